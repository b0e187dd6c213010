"""Runs the float32 network on images, and keeps what ranges follow from: a histogram of each value.

onnxruntime.quantization has calibrators of its own. Ours differ in three ways, which is why they are not used. Its
histogram calibrators hold all activations of all images at once before they count them; here only those of a few
images are in memory. They fix the bins by the first image and stretch them afterwards, so that the result depends on
the order of images; `Histogram` does not. And they know nothing of values that share a grid.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import onnx_ir as ir

from ssc_deploy.errors import LoweringError, QuantizationError
from ssc_deploy.ir import batch, known, roles
from ssc_deploy.ir import graph as g
from ssc_deploy.quantize import places
from ssc_deploy.quantize.histogram import Histogram
from ssc_deploy.runtimes.onnxruntime import OnnxRuntime

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ssc_deploy.examples import Examples

    #: Is told how many images are done, and how many there are.
    Progress = Callable[[int, int], None]

#: Images that go through the network at once, if their values fit.
_AT_ONCE = 16

#: Bytes of values that are looked at, in memory at once.
_BYTES = 128 << 20


def histograms(
    model: ir.Model, groups: Sequence[Sequence[str]], inputs: Examples, progress: Progress | None = None
) -> list[Histogram]:
    """What each group of values holds on all the images.

    Args:
        model: canonical form, in float32.
        groups: names of values that share a grid. What only moves the numbers of another value is not looked at.
        inputs: as the network takes them.
        progress: is called after each batch.

    Raises:
        QuantizationError: a value is NaN or infinite.
        RuntimeLoadError: ONNX Runtime cannot run the network.
    """
    found = [Histogram() for _ in groups]
    values = {known.name(value): value for value in _values(model)}
    sources = {name: at for at, group in enumerate(groups) for name in _sources(group, values)}
    given = [value.name for value in model.graph.inputs if not value.is_initializer()]
    taps = [name for name in sources if name not in given]
    size = sum(math.prod(g.shape_of(values[name]) or ()) * 4 for name in taps)
    batched, count = of_batch(model, max(1, min(_AT_ONCE, _BYTES // max(size, 1))), rows=inputs.rows)
    runner = OnnxRuntime().load(ir.to_proto(batched).SerializeToString(), taps=taps)
    plain = len(model.graph.outputs)
    done = 0
    for arrays, used in inputs.runs(count, at_once=count):
        ran = dict(zip(taps, runner.run(arrays)[plain:], strict=True))
        ran |= {name: array for name, array in zip(given, arrays, strict=True) if name in sources}
        for name, at in sources.items():
            # A run that is filled up repeats its last image, which changes no range but would count twice.
            array = ran[name][:used] if inputs.rows and used < count else ran[name]
            try:
                found[at].add(array)
            except ValueError:
                raise QuantizationError(
                    f"{_where(values[name])} holds NaN or Inf on the calibration images, so that it has no range; "
                    "leave its block out (`exclude`), or mend the network"
                ) from None
        done += used
        if progress is not None:
            progress(done, len(inputs))
    return found


def of_batch(model: ir.Model, size: int, *, rows: bool) -> tuple[ir.Model, int]:
    """A copy of a canonical graph for several images at once, or for one, where it would mix them; and how many."""
    copied = model.clone()
    if rows and size > 1:
        try:
            batch.set_batch(copied, size)
            return copied, size
        except LoweringError:
            copied = model.clone()
    return copied, 1


def _values(model: ir.Model) -> list[ir.Value]:
    return [*model.graph.inputs, *(output for node in model.graph for output in node.outputs)]


def _sources(group: Sequence[str], values: dict[str, ir.Value]) -> list[str]:
    """The values of a group that do not only move the numbers of the others."""
    computed = [
        name
        for name in group
        if (node := values[name].producer()) is None or places.kind(node) is not places.Kind.MOVES
    ]
    return computed or list(group)


def _where(value: ir.Value) -> str:
    node = value.producer()
    return f"the input {value.name}" if node is None else f"the output of {roles.where(node)}"
