"""Proves that a quantised file computes what its plan says, integer by integer.

The canonical graph with its plan in it (`quantize.insert`) is the reference: it runs in float64, where products and
sums of integers are exact. Wherever the plan rounds a value, the file's own integers are compared with the exact
number, and the reference goes on with the file's integers. So each step is judged on what the file itself gave it, no
error adds up, and the first wrong step has a name:

    | integer - (real / scale + zero_point) |  <=  1/2 + SLACK        for a value that is computed
    integer == exact integer                                          for a value that is moved

where ``real / scale + zero_point`` is cut off at the ends of the grid. An integer that is not the nearest one, but
within the bound, is a tie that the runtime's own arithmetic (float32, or fixed point) turned the other way; such are
counted.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import onnx
import onnx_ir as ir
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun

from ssc_deploy import batches, runtimes
from ssc_deploy.errors import VerificationError
from ssc_deploy.ir import roles
from ssc_deploy.quantize import insert, places
from ssc_deploy.quantize.plan import Io
from ssc_deploy.runtimes.onnxruntime import OnnxRuntime
from ssc_deploy.source import onnx_types
from ssc_deploy.verification.onnx_operators import corrections

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from ssc_deploy.examples import Examples
    from ssc_deploy.quantize.plan import Plan
    from ssc_deploy.runtimes import Runner

Array = npt.NDArray[Any]

#: How far beyond a half an integer may lie from the exact number, in steps: what arithmetic in float32 or fixed point
#: makes of it. A file of the trained SSC-Net-1-9 reaches 0.000001. Long sums in float32, of files that run as written
#: and of blocks that stay in float32, need more.
SLACK = 0.05

#: A share of the largest float32 output, for what is not rounded to a grid.
_FLOAT_SHARE = 1e-4


@dataclass(frozen=True)
class IntegersReport:
    """What the comparison of a file's integers found.

    Attributes:
        values: of the plan that the file holds and that were compared.
        numbers: integers that were compared.
        turned: of these, how many are the second-nearest integer.
        farthest: largest distance of an integer from its exact number, in steps; at most 1/2 but for rounding.
        missing: values of the plan that the file does not hold as integers.
        failures: a sentence for each value that is wrong, in the order of the graph.
    """

    values: int
    numbers: int
    turned: int
    farthest: float
    missing: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether something was compared, and all of it is right."""
        return not self.failures and self.values > 0

    def __str__(self) -> str:
        if self.failures:
            return f"{len(self.failures)} values are wrong"
        turned = f", {self.turned} of {self.numbers} the other way at a tie" if self.turned else ""
        return f"integers of {self.values} values are right{turned}"

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON."""
        return {
            "values": self.values,
            "numbers": self.numbers,
            "turned": self.turned,
            "farthest": self.farthest,
            "missing": list(self.missing),
            "failures": list(self.failures),
        }


class Expected:
    """The outputs of a plan for some examples, in float64.

    An example for which a file holds nothing but the nearest integers has them from the comparison with that file: what
    the file's integers replaced were the same ones.

    Args:
        model: the canonical graph that belongs to the plan.
        plan: of it.
        inputs: the examples.
        names: of the outputs.

    Raises:
        VerificationError: the plan cannot be computed in float64.
    """

    def __init__(self, model: ir.Model, plan: Plan, inputs: Examples, names: Sequence[str]) -> None:
        self.inputs = inputs
        self.replay = Replay(model, plan)
        self._names = names
        self._found: dict[int, list[Array]] = {}

    def keep(self, at: int) -> None:
        """Takes the outputs of an example from the replay's last run."""
        if at not in self._found:
            values = self.replay.last()
            self._found[at] = [values[name] for name in self._names]

    def outputs(self) -> list[Array]:
        """One array of real numbers for each output, [N, ...].

        Raises:
            VerificationError: the plan cannot be computed in float64.
        """
        for at, (given, _) in enumerate(self.inputs.runs(1)):
            if at not in self._found:
                self.replay.values(given)
                self.keep(at)
        return [np.concatenate(parts) for parts in zip(*(self._found[at] for at in sorted(self._found)), strict=True)]


def check(
    path: Path,
    model: ir.Model,
    plan: Plan,
    inputs: Examples,
    *,
    as_written: bool = False,
    expected: Expected | None = None,
) -> IntegersReport:
    """Compares all integers of a file with the plan.

    Args:
        path: an ``.onnx`` or ``.tflite`` file.
        model: the canonical graph that belongs to the plan.
        plan: that the file was written from.
        inputs: examples to run it on.
        as_written: run an ``.onnx`` file node by node, without the runtime's own kernels for integers, where those
            are known to be wrong on this processor.
        expected: of the same plan and inputs; it keeps the outputs that are known after the comparison.

    Raises:
        RuntimeLoadError: the runtime refuses the file.
        VerificationError: the plan cannot be computed in float64.
    """
    replay = Replay(model, plan) if expected is None else expected.replay
    file = _File(path, model, plan, as_written=as_written)
    counted: dict[str, _Counted] = {}
    failures: list[str] = []
    for at, ((given, _), values) in enumerate(zip(inputs.runs(1), file.runs(inputs), strict=True)):
        steps = replay.steps(given, values)
        nearest = [counted.setdefault(step.name, _Counted(step)).add(step) for step in steps]
        if expected is not None and all(nearest):
            expected.keep(at)
    for value in counted.values():
        failure = value.failure()
        if failure:
            failures.append(failure)
    compared = [value for value in counted.values() if value.numbers]
    return IntegersReport(
        len(compared),
        sum(value.numbers for value in compared),
        sum(value.turned for value in compared),
        max((value.farthest for value in compared), default=0.0),
        tuple(name for name in plan.grids if name not in file.held),
        tuple(failures),
    )


@dataclass(frozen=True)
class Step:
    """One value of one example: what the file holds, and what is exact.

    Attributes:
        name: of the value in the plan.
        block: that computes it.
        moved: whether it only moves numbers.
        integers: of the file; None for float32.
        exact: ``real / scale + zero_point`` before it is rounded, or the integers of what is moved; real numbers where
            there are no integers.
        given: the file's real numbers, where there are no integers.
    """

    name: str
    block: str
    moved: bool
    integers: Array | None
    exact: Array
    given: Array | None = None


class _Counted:
    """The differences of one value over all examples."""

    def __init__(self, step: Step) -> None:
        self.name, self._block, self._moved = step.name, step.block, step.moved
        self.numbers = self.turned = self._wrong = 0
        self.farthest = self._float_error = self._float_scale = 0.0
        self._first = self._broken = ""

    def add(self, step: Step) -> bool:
        """Counts; returns whether all integers are the nearest."""
        if step.integers is None:
            assert step.given is not None  # one or the other
            if step.given.shape != step.exact.shape:
                self._broken = f"it is {list(step.given.shape)} instead of {list(step.exact.shape)}"
            elif not (np.isfinite(step.given).all() and np.isfinite(step.exact).all()):
                self._broken = "it is not finite"
            else:
                self._float_error = max(self._float_error, float(np.abs(step.given - step.exact).max(initial=0.0)))
                self._float_scale = max(self._float_scale, float(np.abs(step.exact).max(initial=0.0)))
            return True
        held = np.asarray(step.integers, np.int64)
        if held.shape != step.exact.shape:
            self._broken = f"it is {list(held.shape)} instead of {list(step.exact.shape)}"
            return False
        distance = np.abs(held - step.exact)
        nearest = np.rint(step.exact)
        wrong = held != nearest if self._moved else ~(distance <= 0.5 + SLACK)
        turned = int((held != nearest).sum())
        self.numbers += held.size
        self.turned += turned
        self.farthest = max(self.farthest, float(distance.max(initial=0.0)))
        self._wrong += int(wrong.sum())
        if wrong.any() and not self._first:
            at = tuple(int(i) for i in np.argwhere(wrong)[0])
            self._first = f"at {list(at)} {int(held[at])} instead of {float(step.exact[at]):.3f}"
        return not turned

    def failure(self) -> str | None:
        where = f"{self.name} of block {self._block or '(root)'}"
        if self._broken:
            return f"{where}: {self._broken}"
        if self._wrong:
            return f"{where}: {self._wrong} of {self.numbers} integers are wrong, the first {self._first}"
        if self._float_error > _FLOAT_SHARE * self._float_scale:
            return f"{where}: wrong by {self._float_error:.2e} where the largest number is {self._float_scale:.2e}"
        return None


class _File:
    """A quantised file whose integers can be read by the names of the plan."""

    def __init__(self, path: Path, model: ir.Model, plan: Plan, *, as_written: bool) -> None:
        runtime = runtimes.runtime_for(path)
        tensors = runtime.tensors(path)
        self._layout = runtime.image_layout
        #: What is added to the plan's integers in this format, by the type of the tensor.
        offsets = {"int8": 0, "uint8": insert.OFFSET}
        self.held: dict[str, tuple[str, int]] = {}
        for name in plan.grids:
            for tensor in (insert.integers_of(name, model, plan), name):
                spec = tensors.get(tensor)
                if spec is not None and spec.dtype in offsets:
                    self.held[name] = (tensor, offsets[spec.dtype])
                    break
        plain = runtime.load(path)
        self._inputs = [spec.name for spec in plain.inputs]
        self._outputs = [spec.name for spec in plain.outputs]
        shape = plain.inputs[0].shape
        self._batch = (shape[0] if shape else None) or 1
        known = {*self._inputs, *self._outputs}
        self._taps = list(dict.fromkeys(tensor for tensor, _ in self.held.values() if tensor not in known))
        self._runner = loaded(path, taps=self._taps, as_written=as_written)
        self._in_integers = {spec.name: spec.dtype in offsets for spec in plain.inputs}
        self._plan = plan

    def runs(self, inputs: Examples) -> Iterator[dict[str, Array]]:
        """For each example the integers of the plan by its names, and the float32 outputs by theirs."""
        for given, _ in inputs.runs(1):
            stored = [
                self._stored(name, array) if self._in_integers[name] else array
                for name, array in zip(self._inputs, given, strict=True)
            ]
            # A file of a larger batch gets the example as often as it wants.
            filled = [np.repeat(array, self._batch, axis=0) if inputs.rows else array for array in stored]
            ran = self._runner.run([batches.channels_last(array, self._layout) for array in filled])
            names = (*self._outputs, *self._taps)
            tensors = {n: batches.channels_first(v, self._layout) for n, v in zip(names, ran, strict=True)}
            if inputs.rows and self._batch > 1:
                tensors = {name: tensor[:1] for name, tensor in tensors.items()}
            tensors.update(zip(self._inputs, stored, strict=True))
            values = {
                name: tensors[tensor].astype(np.int64) - offset
                for name, (tensor, offset) in self.held.items()
                if tensor in tensors
            }
            values.update({f"real {name}": tensors[name] for name in self._outputs if tensors[name].dtype.kind == "f"})
            yield values

    def _stored(self, name: str, array: Array) -> Array:
        grid = self._plan.grids[name]
        integers = grid.integers(array)
        # A .tflite file holds the plan's own integers, an .onnx file those above zero.
        tensor_dtype = {spec.name: spec.dtype for spec in self._runner.inputs}[name]
        return integers if tensor_dtype == "int8" else (integers.astype(np.int16) + insert.OFFSET).astype(np.uint8)


def loaded(path: Path, *, taps: Sequence[str] = (), as_written: bool = False) -> Runner:
    """A file, loaded by its runtime; see `check` for ``as_written``.

    Raises:
        RuntimeLoadError: the runtime refuses it.
    """
    runtime = runtimes.runtime_for(path)
    if as_written and isinstance(runtime, OnnxRuntime):
        return runtime.load(path, taps=taps, integers=False)
    return runtime.load(path, taps=taps)


class Replay:
    """The plan in float64, step by step.

    Args:
        model: the canonical graph that belongs to the plan.
        plan: of it.

    Raises:
        VerificationError: it cannot be computed in float64.
    """

    def __init__(self, model: ir.Model, plan: Plan) -> None:
        quantized = model.clone()
        plan = dataclasses.replace(plan, io=Io.FLOAT)  # the examples are real numbers
        names = {value.name: value for node in model.graph for value in node.outputs}
        self._moved = {
            name
            for name, value in names.items()
            if name in plan.grids and (node := value.producer()) is not None and places.kind(node) is places.Kind.MOVES
        }
        self._blocks = {
            name: roles.block(node)
            for name, value in names.items()
            if (node := value.producer()) is not None and name is not None
        }
        insert.insert(quantized, plan)
        self._tensors = {insert.integers_of(name, quantized, plan): name for name in plan.grids}
        self._outputs = [value.name or "" for value in quantized.graph.outputs]
        self._inputs = [value.name or "" for value in quantized.graph.inputs if not value.is_initializer()]
        self._plan = plan
        self._forced: Mapping[str, Array] = {}
        self._exact: dict[str, Array] = {}
        self._every: dict[str, Array] = {}
        proto = ir.to_proto(quantized)
        onnx_types.replace(proto, {onnx.TensorProto.FLOAT}, onnx.TensorProto.DOUBLE)
        opset = next((entry.version for entry in proto.opset_import if entry.domain in {"", "ai.onnx"}), 0)
        operators = [op for op in corrections(opset) if op.__name__ not in {"QuantizeLinear", "DequantizeLinear"}]
        try:
            self._evaluator = ReferenceEvaluator(proto, new_ops=[*operators, *self._operators()])
        except (NotImplementedError, RuntimeError, ValueError) as error:
            raise VerificationError(f"the plan cannot be computed in float64: {str(error).splitlines()[0]}") from error

    def values(self, given: Sequence[Array]) -> dict[str, Array]:
        """The real numbers of one example, by the names of the plan and of float32 outputs; nothing is forced."""
        self.steps(given, {})
        return self.last()

    def last(self) -> dict[str, Array]:
        """The same of the last run, as it would be if nothing had been forced upon a later value."""
        exact = {name: self._integers(tensor, name) for tensor, name in self._tensors.items() if tensor in self._every}
        values = {name: self._plan.grids[name].numbers(np.rint(integers)) for name, integers in exact.items()}
        return values | {name: self._every[name] for name in self._outputs if name not in values}

    def every(self, given: Sequence[Array]) -> dict[str, Array]:
        """All values of one example, by their names in the graph."""
        self.steps(given, {})
        return self._every

    def steps(self, given: Sequence[Array], forced: Mapping[str, Array]) -> list[Step]:
        """Runs one example.

        Args:
            given: the inputs, float32.
            forced: integers by the names of the plan, which take the place of those that are computed here; and
                ``real NAME`` for float32 outputs.

        Returns:
            what is to be compared, in the order of the graph; where nothing is forced, the exact integers in
            ``exact``.
        """
        self._forced, self._exact = forced, {}
        feeds = {
            name: array.astype(np.float64) if array.dtype.kind == "f" else array
            for name, array in zip(self._inputs, given, strict=True)
        }
        self._every = every = self._run(feeds)
        steps = []
        for tensor in every:
            name = self._tensors.get(tensor)
            if name is not None:
                exact = self._integers(tensor, name)
                steps.append(Step(name, self._blocks.get(name, ""), name in self._moved, forced.get(name), exact))
        for name in self._outputs:
            real = forced.get(f"real {name}")
            if real is not None:
                steps.append(Step(name, self._blocks.get(name, ""), False, None, np.asarray(every[name]), real))
        # What the file does not hold is not compared.
        return [step for step in steps if step.integers is not None or step.given is not None or not forced]

    def _integers(self, tensor: str, name: str) -> Array:
        """The exact integers of a value in the last run, before they are rounded."""
        exact = self._exact.get(name)
        return np.asarray(self._every[tensor], np.float64) - insert.OFFSET if exact is None else exact

    def _run(self, feeds: dict[str, Array]) -> dict[str, Array]:
        evaluator: Any = self._evaluator
        try:
            return dict(evaluator.run(None, feeds, intermediate=True))
        except (ArithmeticError, LookupError, NotImplementedError, RuntimeError, TypeError, ValueError) as error:
            raise VerificationError(f"the plan cannot be computed in float64: {str(error).splitlines()[0]}") from error

    def _operators(self) -> list[type[OpRun]]:
        replay = self

        class QuantizeLinear(OpRun):
            """Rounds half to even; goes on with the file's integers, where it has them."""

            op_domain = ""

            def _run(self, x: Array, scale: Array, zero: Array, **_: Any) -> tuple[Array]:
                name = replay._tensors.get(self.onnx_node.output[0])
                low, high = np.iinfo(zero.dtype).min, np.iinfo(zero.dtype).max
                exact = np.clip(x / scale + float(zero), low, high)
                if name is not None:
                    replay._exact[name] = exact - insert.OFFSET
                    held = replay._forced.get(name)
                    if held is not None and held.shape == exact.shape:
                        return ((held + insert.OFFSET).astype(zero.dtype),)
                return (np.rint(exact).astype(zero.dtype),)

        class DequantizeLinear(OpRun):
            """Exact in float64."""

            op_domain = ""

            def _run(self, x: Array, scale: Array, zero: Array, axis: int = 1, **_: Any) -> tuple[Array]:
                shape = [1] * x.ndim
                if scale.size > 1:
                    shape[axis] = -1
                steps = x.astype(np.float64) - np.reshape(zero.astype(np.float64), shape if scale.ndim else ())
                return (steps * np.reshape(scale, shape if scale.ndim else ()),)

        return [QuantizeLinear, DequantizeLinear]
