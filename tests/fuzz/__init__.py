"""Malformed inputs for every public entry point, and the rule they are held to."""
