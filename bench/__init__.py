"""Timings. Run them with `make bench`, and run nothing else meanwhile."""
