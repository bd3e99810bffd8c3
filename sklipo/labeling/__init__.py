"""Labels: given on a page, read back, compared, carried over; what to label next."""

from .matching import match_particles

__all__ = ["match_particles"]
