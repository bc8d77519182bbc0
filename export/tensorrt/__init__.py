"""ONNX graphs to TensorRT engines: a checker of the strongly typed Q/DQ route, and two ways to build."""
