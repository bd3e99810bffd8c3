"""Labels: given on a page, read back, compared, carried over; what to label next."""

from .agreement import agreement_table
from .label_pages import label_page
from .matching import match_particles
from .reading import read_labels
from .suggesting import suggest_particles

__all__ = [
    "agreement_table",
    "label_page",
    "match_particles",
    "read_labels",
    "suggest_particles",
]
