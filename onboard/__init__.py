"""Onboard: methane plumes and minerals, found on board while the imaging spectrometer images."""

__version__ = "0.1.0"
