"""An ONNX file as the reference.

Its operators run in float64 by onnx's reference implementation, and in float32 by ONNX Runtime.
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

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from pathlib import Path

    from ssc_deploy.examples import Examples
    from ssc_deploy.verification.orders import Order
    from ssc_deploy.verification.reference import Float32, Float64, Reference

#: Exceptions of the evaluator's operators for inputs that they cannot take.
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
    """The network in an ``.onnx`` file.

    Args:
        path: the file.

    Raises:
        CheckpointError: the file is not a valid ONNX model.
    """

    title = "ONNX reference"
    float32_title = "ONNX Runtime"

    def __init__(self, path: Path) -> None:
        self._path = path
        model = onnx_file.load(path)
        inputs = onnx_file.picture_inputs(model.graph)
        if not inputs or not model.graph.output:
            raise CheckpointError(f"{path.name} has {len(inputs)} inputs and {len(model.graph.output)} outputs")
        self._inputs = [value.name for value in inputs]
        self._outputs = [value.name for value in model.graph.output]
        self._values = [name for node in model.graph.node for name in node.output]
        batch = inputs[0].type.tensor_type.shape.dim[0] if inputs[0].type.tensor_type.shape.dim else None
        #: The batch that the file is fixed to; None if it takes any.
        self._batch = batch.dim_value or None if batch is not None else None
        #: With the weights of external files included, since a runtime cannot find them when it gets bytes.
        self._data = model.SerializeToString()
        onnx_types.replace(model, {onnx.TensorProto.FLOAT}, onnx.TensorProto.DOUBLE)
        opset = next((entry.version for entry in model.opset_import if entry.domain in {"", "ai.onnx"}), 0)
        try:
            self._evaluator = ReferenceEvaluator(model, new_ops=corrections(opset))
        except _EVALUATION_ERRORS as error:
            raise NetworkError(f"{path.name} cannot be computed in float64: {_first_sentence(error)}") from error

    @property
    def names(self) -> tuple[str, ...]:
        """Of its outputs, as files that are made of it call them."""
        return tuple(output.name for output in onnx_file.outputs_named(self._outputs))

    def outputs(self, x: Examples) -> tuple[Float64, ...]:
        """Runs the file's operators in float64; see `Reference.outputs`.

        Raises:
            NetworkError: an operator fails, or has no float64 implementation.
        """
        values = self._evaluate(x, tuple(self._outputs))
        return tuple(np.asarray(values[name], np.float64) for name in self._outputs)

    def float32_outputs(self, x: Examples) -> tuple[Float32, ...]:
        """Runs the file by ONNX Runtime; see `Reference.float32_outputs`."""
        runner = runtimes.runtime_for(self._path).load(self._data)
        return tuple(batches.run(runner, x, outputs=len(self._outputs)))

    def in_turn(self, inputs: Sequence[Examples]) -> list[tuple[Float64, ...]]:
        """Runs the file's operators on one input after the other; see `Reference.in_turn`."""
        return [self.outputs(x) for x in inputs]

    def block_names(self, x: Examples) -> tuple[str, ...]:
        """The file's values without its outputs."""
        return tuple(name for name in self._values if name and name not in self._outputs)

    def float32_blocks(self, x: Examples, names: Collection[str]) -> dict[str, Float32]:
        """The file's values by their names, in the order of the file; its outputs have `names`."""
        runtime = runtimes.runtime_for(self._path)
        taps = [
            name
            for name, spec in runtime.tensors(self._data).items()
            if spec.dtype == "float32" and spec.shape and name in names and name not in {*self._inputs, *self._outputs}
        ]
        count = len(self._outputs)
        results = batches.run(runtime.load(self._data, taps=taps), x, outputs=count)
        return dict(zip((*taps, *self.names), (*results[count:], *results[:count]), strict=True))

    def visit_blocks(self, x: Examples, names: Collection[str], visit: Callable[[str, Float64], None]) -> None:
        """The same values in float64, in the same order."""
        wanted = [name for name in self._values if name in names and name not in self._outputs]
        values = self._evaluate(x, (*wanted, *self._outputs))
        for name in wanted:
            if name not in values:
                continue
            visit(name, np.asarray(values[name], np.float64))
        for name, output in zip(self.names, self._outputs, strict=True):
            visit(name, np.asarray(values[output], np.float64))

    def other_orders(self, x: Examples) -> dict[Order, Reference]:
        """None: ONNX Runtime, which computes float32 here, already adds long sums in turn."""
        return {}

    def _evaluate(self, x: Examples, names: tuple[str, ...]) -> dict[str, Any]:
        results: list[dict[str, Any]] = []
        # The evaluator keeps all that it computes until it is done, so it gets as few examples as it takes.
        for given, used in x.runs(self._batch or 1):
            feeds = {
                name: array.astype(np.float64) if array.dtype.kind == "f" else array
                for name, array in zip(self._inputs, given, strict=True)
            }
            try:
                every: Any = self._evaluator.run(None, feeds, intermediate=True)
            except _EVALUATION_ERRORS as error:
                raise NetworkError(
                    f"{self._path.name} cannot run in float64 on {x.shapes}: {_first_sentence(error)}"
                ) from error
            rows = len(given[0])
            for name in self._outputs if x.rows else ():
                if np.shape(every[name])[:1] != (rows,):
                    raise NetworkError(
                        f"{self._path.name} returns {list(np.shape(every[name]))} for a batch of {rows}; its output "
                        "must be [N, ...], a row for each image"
                    )
            if not x.rows:
                results.append({name: np.asarray(every[name])[None] for name in names})
                continue
            # What has no row for each example belongs to no example and is not compared.
            batched = [name for name in names if np.shape(every[name])[:1] == (rows,)]
            results.append({name: every[name][:used] for name in batched})
        return {name: np.concatenate([r[name] for r in results]) for name in names if all(name in r for r in results)}


def _first_sentence(error: BaseException) -> str:
    text = str(error).strip()
    return text.splitlines()[0].split(". ")[0] if text else type(error).__name__
