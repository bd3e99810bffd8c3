"""Particle tables: read from files, cut from micrographs, or drawn."""

from .artificial_micrographs import make_micrographs
from .classes import save_classes
from .extraction import extract_particles
from .instances import read_instances
from .liposomes import make_liposomes
from .loading import load_particles
from .micrographs import Micrograph, read_micrograph
from .saving import save_particles

__all__ = [
    "Micrograph",
    "extract_particles",
    "load_particles",
    "make_liposomes",
    "make_micrographs",
    "read_instances",
    "read_micrograph",
    "save_classes",
    "save_particles",
]
