"""Calibration and quantization of networks; the room is kept for INT8, which comes after the float path."""
