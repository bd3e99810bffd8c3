"""A page that classifies: how it is put together, and what it is put together of."""
