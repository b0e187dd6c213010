"""The operators of a .tflite file, by LiteRT's profiler, those that XNNPACK runs among them.

Each is named after the tensor that the operator of the file writes; XNNPACK may run several for one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Sequence

from .contract import FailureKind
from .errors import ModelError
from .litert_profiler import INVOKED, Event, ProfiledLiteRT
from .runtimes import litert_interpreter

if TYPE_CHECKING:
    from pathlib import Path

    from .formats import Array

#: How XNNPACK calls what it runs for an operator of a file; one that is not here is looked for under its own name.
_XNNPACK = {
    "CONV_2D": ("Convolution", "Fully Connected", "Batch Matrix"),
    "DEPTHWISE_CONV_2D": ("Convolution",),
    "FULLY_CONNECTED": ("Fully Connected", "Batch Matrix"),
    "BATCH_MATMUL": ("Batch Matrix", "Fully Connected"),
    "RESHAPE": ("Static Reshape", "Copy"),
    "PAD": ("Constant Pad",),
    "SLICE": ("Static Slice", "Slice"),
    "STRIDED_SLICE": ("Static Slice", "Slice"),
    "AVERAGE_POOL_2D": ("Average Pooling", "Global Average"),
    "MAX_POOL_2D": ("Max Pooling",),
    "MEAN": ("Mean", "Global Average", "Static Mean", "Reduce"),
    "MUL": ("Multiply",),
    "SUB": ("Subtract",),
    "RELU": ("Clamp",),
    "RELU6": ("Clamp",),
    "CONCATENATION": ("Concatenate", "Concat", "Copy"),
}

#: What XNNPACK adds of its own accord. It belongs to the operator before it, unless it is what the next one needs.
_ADDED = ("Clamp", "Static Reshape", "Copy", "Convert")

#: What the interpreter tells of an operator of the file.
_Step = Any


def profiled(
    path: Path, threads: int, inputs: Sequence[Array], warm: int, runs: int
) -> list[tuple[str, str, list[int]]]:
    """Name, type and microseconds of each operator.

    Args:
        path: of the model.
        threads: of one inference.
        inputs: of one inference.
        warm: runs that are not kept.
        runs: that are kept.

    Raises:
        ModelError: the runtime is missing, or its profiler fails or contradicts itself.
    """
    interpreter = litert_interpreter(path, threads)
    model = ProfiledLiteRT(path, threads, inputs)
    taken = [model.run() for _ in range(warm + runs)][warm:]
    if any([event[:3] for event in events] != [event[:3] for event in taken[0]] for events in taken):
        raise ModelError(FailureKind.FAILED, "LiteRT's profiler names other operators from run to run")
    names = _operator_names(interpreter, taken[0])
    return [
        (names[index], event.tag, [events[index].microseconds for events in taken])
        for index, event in enumerate(taken[0])
    ]


def _operator_names(interpreter: Any, events: Sequence[Event]) -> list[str]:
    """Of each event the name of the tensor that its operator of the file writes."""
    details = interpreter._get_ops_details()
    tensors = {detail["index"]: detail["name"] for detail in interpreter.get_tensor_details()}
    steps = [detail for detail in details if detail["op_name"] != "DELEGATE"]
    name_of: dict[int, str] = {
        detail["index"]: tensors.get(int(detail["outputs"][0]), "") for detail in steps if len(detail["outputs"])
    }
    partitions = [_partition(detail, steps) for detail in details if detail["op_name"] == "DELEGATE"]
    names: list[str] = []
    waiting: list[_Step] = []
    last = -1
    for i, event in enumerate(events):
        if event.type == INVOKED:
            names.append(name_of.get(event.place, ""))
            continue
        if i == 0 or events[i - 1].type == INVOKED or event.place == 0:
            waiting, last = partitions.pop(0) if partitions else [], -1
        match = next((j for j, step in enumerate(waiting) if _runs(event.tag, step["op_name"])), None)
        added = any(event.tag.startswith(name) for name in _ADDED)
        if match is not None and not (added and match > 0 and last >= 0):
            last = waiting[match]["index"]
            waiting = waiting[match + 1 :]
        names.append(name_of.get(last, ""))
    return names


def _partition(delegate: _Step, steps: Sequence[_Step]) -> list[_Step]:
    """The operators of the file that one delegate runs: all between its outputs and its inputs, in order."""
    makers = {int(output): step for step in steps for output in step["outputs"]}
    given = {int(index) for index in delegate["inputs"]}
    wanted = [int(index) for index in delegate["outputs"]]
    inside: dict[int, _Step] = {}
    while wanted:
        step = makers.get(wanted.pop())
        if step is not None and step["index"] not in inside:
            inside[step["index"]] = step
            wanted += [int(index) for index in step["inputs"] if int(index) not in given]
    return [inside[index] for index in sorted(inside)]


def _runs(tag: str, operator: str) -> bool:
    """Whether XNNPACK may run this for that operator of a file."""
    names = _XNNPACK.get(operator, (operator.replace("_", " ").title(),))
    return any(tag.startswith(name) for name in names)
