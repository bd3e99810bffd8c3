"""Labels: given on a page, read back, compared, carried over; what to label next."""

from .agreement import agreement_table

__all__ = ["agreement_table"]
