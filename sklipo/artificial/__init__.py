"""Drawing of liposomes, and of particles that resemble real ones; no public names."""
