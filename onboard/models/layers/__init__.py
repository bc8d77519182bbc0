"""Blocks that several of the published architectures are made of."""
