"""From a fitted model to one ONNX graph: raw columns in, prediction out."""
