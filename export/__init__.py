"""Ground tools that turn trained networks into ONNX graphs and signed bundles."""
