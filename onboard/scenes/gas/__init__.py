"""Methane plumes of the simulated world: sources, puffs in a turbulent wind, labels, outlines."""
