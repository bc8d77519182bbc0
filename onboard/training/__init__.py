"""Data sets, losses, metrics and recipes: how the networks come to be."""
