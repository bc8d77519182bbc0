"""Spectra of the ground: libraries read, divided, varied by grain size and mixed into palettes of a scene."""
