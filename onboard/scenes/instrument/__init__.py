"""What the instrument and its first processing do to radiance."""
