"""Versions of the packages that a model was saved with."""

from ._mixin import VersionedMixin

__all__ = ["VersionedMixin"]
