"""What counts as a particle table."""

from ._checking import check_particles

__all__ = ["check_particles"]
