"""Measurements of sklipo against the same work by other means."""
