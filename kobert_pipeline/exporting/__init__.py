"""A finished model as ONNX files, which run without torch: written, quantised, compared with torch, and described."""
