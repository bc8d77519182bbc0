"""Proof of realism: figures of the simulated world beside what real EMIT data and the literature show."""
