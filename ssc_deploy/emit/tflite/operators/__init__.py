"""One function an ONNX operator, by kind; importing this package fills the table."""

from ssc_deploy.emit.tflite.operators import conv, dense, elementwise, movement, pad, pool, scatter, shape
from ssc_deploy.emit.tflite.registry import OPERATORS

__all__ = ["OPERATORS", "conv", "dense", "elementwise", "movement", "pad", "pool", "scatter", "shape"]
