"""One function an ONNX operator, by kind; importing this package fills the table."""

from ssc_deploy.emit.tflite.operators import (
    activations,
    conv,
    conv_transpose,
    dense,
    elementwise,
    logic,
    movement,
    norm,
    pad,
    pool,
    reduce,
    resize,
    scatter,
    search,
    shape,
)
from ssc_deploy.emit.tflite.registry import OPERATORS

__all__ = [
    "OPERATORS",
    "activations",
    "conv",
    "conv_transpose",
    "dense",
    "elementwise",
    "logic",
    "movement",
    "norm",
    "pad",
    "pool",
    "reduce",
    "resize",
    "scatter",
    "search",
    "shape",
]
