"""An ONNX file as the reference.

Its own operators run in float64 by onnx's reference implementation, in float32 by ONNX Runtime.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx.reference import ReferenceEvaluator

from ssc_deploy import batches, runtimes
from ssc_deploy.errors import CheckpointError, NetworkError
from ssc_deploy.source import onnx_file, onnx_types
from ssc_deploy.verification.onnx_operators import corrections
from ssc_deploy.verification.reference import OUTPUT, Float32, Float64

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from pathlib import Path

    from ssc_deploy.verification.reference import Reference

#: What the evaluator's operators raise where an input does not suit them.
_EVALUATION_ERRORS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    NotImplementedError,
    RuntimeError,
    TypeError,
    ValueError,
)


class OnnxReference:
    """The network in an ``.onnx`` file with one picture input.

    Args:
        path: the file.

    Raises:
        CheckpointError: the file is no valid ONNX model.
    """

    title = "ONNX reference"
    float32_title = "ONNX Runtime"

    def __init__(self, path: Path) -> None:
        self._path = path
        model = onnx_file.load(path)
        inputs = onnx_file.picture_inputs(model.graph)
        if len(inputs) != 1 or not model.graph.output:
            raise CheckpointError(
                f"{path.name} has {len(inputs)} inputs; networks that take one picture can be verified"
            )
        self._input = inputs[0].name
        self._outputs = [value.name for value in model.graph.output]
        self._values = [name for node in model.graph.node for name in node.output]
        batch = inputs[0].type.tensor_type.shape.dim[0] if inputs[0].type.tensor_type.shape.dim else None
        #: The batch that the file is fixed to; None where it takes any.
        self._batch = batch.dim_value or None if batch is not None else None
        #: With the weights of files beside it; a runtime that is given bytes does not look for them.
        self._data = model.SerializeToString()
        onnx_types.replace(model, {onnx.TensorProto.FLOAT}, onnx.TensorProto.DOUBLE)
        opset = next((entry.version for entry in model.opset_import if entry.domain in {"", "ai.onnx"}), 0)
        try:
            self._evaluator = ReferenceEvaluator(model, new_ops=corrections(opset))
        except _EVALUATION_ERRORS as error:
            raise NetworkError(f"{path.name} cannot be computed in float64: {_first_sentence(error)}") from error

    def outputs(self, x: Float32) -> Float64:
        """Runs the file's operators in float64 on ``x`` [N, C, H, W]; returns [N, ...].

        Raises:
            NetworkError: an operator fails, or has no float64 implementation.
        """
        return np.asarray(self._evaluate(x, (self._outputs[0],))[self._outputs[0]], np.float64)

    def float32_outputs(self, x: Float32) -> Float32:
        """Runs the file on ``x`` [N, C, H, W] by ONNX Runtime; returns [N, ...]."""
        return batches.run(runtimes.runtime_for(self._path).load(self._data), x)[0]

    def in_turn(self, inputs: Sequence[Float32]) -> list[Float64]:
        """Runs the file's operators on one input after the other; see `Reference.in_turn`."""
        return [self.outputs(x) for x in inputs]

    def block_names(self, x: Float32) -> tuple[str, ...]:
        """The file's values, its outputs apart."""
        return tuple(name for name in self._values if name and name not in self._outputs)

    def float32_blocks(self, x: Float32, names: Collection[str]) -> dict[str, Float32]:
        """The file's values by their names, in the order of the file; its output is ``output``."""
        runtime = runtimes.runtime_for(self._path)
        taps = [
            name
            for name, spec in runtime.tensors(self._data).items()
            if spec.dtype == "float32" and spec.shape and name in names and name not in {self._input, *self._outputs}
        ]
        results = batches.run(runtime.load(self._data, taps=taps), x)
        return {**dict(zip(taps, results[len(self._outputs) :], strict=True)), OUTPUT: results[0]}

    def visit_blocks(self, x: Float32, names: Collection[str], visit: Callable[[str, Float64], None]) -> None:
        """The same values in float64, in the same order."""
        wanted = [name for name in self._values if name in names and name not in self._outputs]
        values = self._evaluate(x, (*wanted, self._outputs[0]))
        for name in wanted:
            if name not in values:
                continue
            visit(name, np.asarray(values[name], np.float64))
        visit(OUTPUT, np.asarray(values[self._outputs[0]], np.float64))

    def adding_in_turn(self, x: Float32) -> Reference | None:
        """None: ONNX Runtime, which computes float32 here, adds long sums in turn as it is."""
        return None

    def _evaluate(self, x: Float32, names: tuple[str, ...]) -> dict[str, Any]:
        results: list[dict[str, Any]] = []
        # The evaluator keeps all that it computes until it is done, so it gets as few pictures as it takes.
        for chunk, used in batches.split(x, self._batch or 1):
            try:
                every: Any = self._evaluator.run(None, {self._input: chunk.astype(np.float64)}, intermediate=True)
            except _EVALUATION_ERRORS as error:
                raise NetworkError(
                    f"{self._path.name} cannot run in float64 on {list(chunk.shape)}: {_first_sentence(error)}"
                ) from error
            output = np.shape(every[self._outputs[0]])
            if not output or output[0] != len(chunk):
                raise NetworkError(
                    f"{self._path.name} returns {list(output)} for a batch of {len(chunk)}; its output must be "
                    "[N, ...], a row for each picture"
                )
            # What has no row for each picture belongs to no picture and is not compared.
            batched = [name for name in names if np.shape(every[name])[:1] == (len(chunk),)]
            results.append({name: every[name][:used] for name in batched})
        return {name: np.concatenate([r[name] for r in results]) for name in names if all(name in r for r in results)}


def _first_sentence(error: BaseException) -> str:
    text = str(error).strip()
    return text.splitlines()[0].split(". ")[0] if text else type(error).__name__
