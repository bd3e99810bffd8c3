"""Labels: given on a page, read back, compared, carried over; what to label next."""

from .suggesting import suggest_particles

__all__ = ["suggest_particles"]
