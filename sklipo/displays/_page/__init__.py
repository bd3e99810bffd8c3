"""What all interactive pages share: their joining, and scripts and style for them."""
