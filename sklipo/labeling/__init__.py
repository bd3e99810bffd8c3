"""Labels: given on a page, read back, compared, carried over; what to label next."""

__all__ = []
