"""Simulated captures with ground truth: ground, air, plumes and detector."""
