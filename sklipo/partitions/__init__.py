"""Prediction of particles that do not fit in memory, on one machine or many."""

from .particles import predict_partitions

__all__ = ["predict_partitions"]
