"""What a plan makes of a network's outputs: values and kernels on their grids, and float32 arithmetic between them.

No kernel for integers takes part, so that the result is the same on every processor, and is that of the plan alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import onnx_ir as ir

from ssc_deploy import batches
from ssc_deploy.quantize import calibration, insert
from ssc_deploy.quantize.grid import decibels
from ssc_deploy.runtimes.onnxruntime import OnnxRuntime

if TYPE_CHECKING:
    from ssc_deploy.examples import Examples
    from ssc_deploy.quantize.plan import Plan

Float32 = npt.NDArray[np.float32]

#: Images at once.
_AT_ONCE = 16


class Simulation:
    """A network as a plan computes it.

    Args:
        model: the canonical graph that belongs to the plan.
        plan: of it; None for the network in float32.
        rows: see `Examples`.

    Raises:
        RuntimeLoadError: ONNX Runtime refuses the graph.
    """

    def __init__(self, model: ir.Model, plan: Plan | None = None, *, rows: bool = True) -> None:
        batched, self._count = calibration.of_batch(model, _AT_ONCE, rows=rows)
        if plan is not None:
            insert.insert(batched, plan)
        self._outputs = len(batched.graph.outputs)
        self._runner = OnnxRuntime().load(ir.to_proto(batched).SerializeToString(), integers=False)

    def outputs(self, inputs: Examples) -> list[Float32]:
        """The outputs, each [N, ...]."""
        return batches.run(self._runner, inputs, batch=self._count, outputs=self._outputs)


def sqnr(exact: list[Float32], rounded: list[Float32]) -> float:
    """Signal to quantisation noise in dB: ``10 log10(sum(exact^2) / sum((exact - rounded)^2))``, over all outputs.

    Infinite where nothing differs.
    """
    both = [(np.asarray(a, np.float64), np.asarray(b, np.float64)) for a, b in zip(exact, rounded, strict=True)]
    return decibels(sum(float((a**2).sum()) for a, _ in both), sum(float(((a - b) ** 2).sum()) for a, b in both))
