"""One function for each ONNX operator that the engine carries out; importing this fills the table."""

from ssc_deploy.lower.native.operators import (
    conv,
    elementwise,
    linear,
    movement,
    norm,
    pool,
    reduce,
    resize,
)

__all__ = ["conv", "elementwise", "linear", "movement", "norm", "pool", "reduce", "resize"]
