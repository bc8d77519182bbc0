"""Scripts that derive the packaged tables from their public sources; not needed to run Onboard."""
