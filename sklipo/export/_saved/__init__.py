"""Models as plain values, and those in a file."""
