"""How much accuracy a file loses against its network in float32, on images of known classes."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx_ir as ir

from ssc_deploy import batches
from ssc_deploy.errors import SscDeployError
from ssc_deploy.ir.batch import set_batch
from ssc_deploy.runtimes.onnxruntime import OnnxRuntime
from ssc_deploy.verification import accuracy

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from ssc_deploy.examples import Examples
    from ssc_deploy.exporting.check import Check
    from ssc_deploy.quantize.calibration_data import HeldOut

    Array = npt.NDArray[Any]

#: Images that are in memory at once.
_AT_ONCE = 250

#: How far the canonical form may be from the network in float32, as a share of the largest output.
_SAME = 1e-3


class AccuracyCheck:
    """Compares any number of files of one network with it. What the network answers is found once.

    Args:
        checked: see `Check`.
        graph: the network's canonical form in float32; None if there is none.
        labelled: images of known classes.
        inputs: on which the graph is compared with the network first.
    """

    def __init__(self, checked: Check, graph: ir.Model | None, labelled: HeldOut, inputs: Examples) -> None:
        self._checked, self._graph, self._labelled, self._inputs = checked, graph, labelled, inputs
        self._before: Array | None = None

    def __call__(self, after: Callable[[Examples], Sequence[Array]]) -> accuracy.Accuracy | None:
        """What is lost by the file that ``after`` runs; None where not one output names the classes."""
        exact = self._checked.reference.outputs(self._inputs)
        lists = [i for i, output in enumerate(exact) if output.ndim == 2]
        if len(lists) != 1:
            return None
        labelled, at = self._labelled, lists[0]
        parts = [slice(start, start + _AT_ONCE) for start in range(0, len(labelled), _AT_ONCE)]
        if self._before is None:
            before = self._float32(exact)
            self._before = np.concatenate([before(labelled.inputs(part))[at] for part in parts])
        found = np.concatenate([after(labelled.inputs(part))[at] for part in parts])
        return accuracy.compared(self._before, found, labelled.labels)

    def _float32(self, exact: Sequence[Array]) -> Callable[[Examples], list[Array]]:
        """What runs the network in float32: its canonical form by ONNX Runtime, several times as fast as PyTorch.

        That form is compared with the network first, on the inputs of the proof; if the two differ, the network itself
        runs.
        """
        count = len(self._checked.reference.names)
        if self._graph is not None:
            graph = self._graph.clone()
            with contextlib.suppress(SscDeployError):
                set_batch(graph, None)
                runner = OnnxRuntime().load(ir.to_proto(graph).SerializeToString())
                pairs = zip(batches.run(runner, self._inputs, outputs=count), exact, strict=True)
                if all(np.allclose(found, y, rtol=0, atol=_SAME * np.abs(y).max()) for found, y in pairs):
                    return lambda inputs: batches.run(runner, inputs, outputs=count)
        return lambda inputs: list(self._checked.reference.float32_outputs(inputs))
