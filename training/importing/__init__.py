"""Networks from ONNX files: read, rewritten as layers of the chip, quantised and written as model files."""
