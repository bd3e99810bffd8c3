"""Prediction of particles that do not fit in memory, on one machine or many."""

from .micrographs import predict_micrographs
from .particles import predict_partitions

__all__ = ["predict_micrographs", "predict_partitions"]
