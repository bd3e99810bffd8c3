"""Models that leave Python, or that are opened without running what they bring."""
