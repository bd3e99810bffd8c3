"""Models that leave Python, or that are opened without running what they bring."""

from .saving import load_model, save_model, trusted_types

__all__ = ["load_model", "save_model", "trusted_types"]
