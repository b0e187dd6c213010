"""Regions of a graph that do one thing to one image, and running them alone.

Every value gets an *origin*: the value that it was made from by steps of a given kind alone. A node continues its
input's origin when it is such a step and all its inputs that are not constant share one origin; any other node's
outputs are origins themselves. A region is then all that lies between a value and its origin. Nothing is matched by
spelling: what a region does is found by running it.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import onnx
import onnx_ir as ir

from ssc_deploy.ir import graph as g
from ssc_deploy.ir import known

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np
    import numpy.typing as npt


@dataclass(frozen=True)
class Region:
    """The nodes between ``source`` and ``output``, in graph order, constants' own nodes included."""

    source: ir.Value
    output: ir.Value
    nodes: tuple[ir.Node, ...]

    @property
    def steps(self) -> int:
        """How many nodes touch the feature map; those that make constants are not counted."""
        reached = {self.source}
        for node in self.nodes:
            if any(value in reached for value in node.inputs):
                reached.update(node.outputs)
        return sum(any(output in reached for output in node.outputs) for node in self.nodes)

    def to_proto(self, edit: Callable[[onnx.NodeProto], None] = lambda _: None) -> onnx.ModelProto:
        """The region as a model of its own; ``edit`` may change each node's copy."""
        nodes = [ir.serde.serialize_node(node) for node in self.nodes]
        for node in nodes:
            del node.metadata_props[:]
            edit(node)
        inside = {output for node in self.nodes for output in node.outputs} | {self.source}
        constants = {
            value.name or "": ir.serde.serialize_tensor(value.const_value)
            for node in self.nodes
            for value in node.inputs
            if value is not None and value not in inside and value.const_value is not None
        }
        for name, tensor in constants.items():
            tensor.name = name
        graph = onnx.helper.make_graph(
            nodes,
            "region",
            [_info(self.source, known.shape(self.source))],
            [_info(self.output, None)],
            list(constants.values()),
        )
        owner = known.graph(self.nodes[0])
        opsets = [onnx.helper.make_opsetid(domain, version) for domain, version in owner.opset_imports.items()]
        return onnx.helper.make_model(graph, opset_imports=opsets, ir_version=10)


def _info(value: ir.Value, shape: tuple[int, ...] | None) -> onnx.ValueInfoProto:
    return onnx.helper.make_tensor_value_info(known.name(value), onnx.TensorProto.FLOAT, shape)


def load(model: onnx.ModelProto) -> Callable[[npt.NDArray[np.float32]], npt.NDArray[Any]]:
    """A function that runs the one-input, one-output model on ONNX Runtime."""
    from ssc_deploy.runtimes.onnxruntime import OnnxRuntime

    runner = OnnxRuntime().load(model.SerializeToString(), optimize=False)
    return lambda feature_map: runner.run([feature_map])[0]


def origins(graph: ir.Graph, is_step: Callable[[ir.Node], bool]) -> dict[ir.Value, ir.Value | None]:
    """Maps every value of the graph to its origin; constants have none."""
    found: dict[ir.Value, ir.Value | None] = {value: value for value in graph.inputs}
    for node in graph:
        inputs = [value for value in node.inputs if value is not None]
        sources = {found.get(value) for value in inputs if not g.is_constant(value)} - {None}
        if not sources:
            found.update(dict.fromkeys(node.outputs))
        elif len(sources) == 1 and is_step(node):
            found.update(dict.fromkeys(node.outputs, sources.pop()))
        else:
            found.update({output: output for output in node.outputs})
    return found


def ends(graph: ir.Graph, found: dict[ir.Value, ir.Value | None]) -> Iterator[ir.Value]:
    """The values, last first, at which regions end: used by a node that does not continue their origin, or returned."""
    for node in reversed(graph):
        for value in node.outputs:
            origin = found[value]
            if origin is None or origin is value:
                continue
            leaves = (found[output] is not origin for user, _ in value.uses() for output in user.outputs)
            if value.is_graph_output() or any(leaves):
                yield value


class Outcome(enum.Enum):
    """What a rule made of a region."""

    REWRITTEN = enum.auto()  #: something else stands in its place
    SHORTER = enum.auto()  #: nothing; without its last step it may be something
    LEFT = enum.auto()  #: nothing, and nothing without its last steps either
    SKIPPED = enum.auto()  #: the same, and that cost nothing to find out


#: How many steps a region may lose at its end until a rule takes it.
_TRIES = 8

#: Regions that overlap are each read as a whole: so many nodes in all, for each node of the graph.
_READ = 8


def search(
    graph: ir.Graph,
    is_step: Callable[[ir.Node], bool],
    rewrite: Callable[[Region, bool], Outcome],
    worth: Callable[[ir.Value, ir.Value], bool] = lambda _source, _value: True,
) -> bool:
    """Offers the regions of a graph to a rule, last regions first, and then what is left of them without last steps.

    Args:
        graph: of the regions.
        is_step: see the module.
        rewrite: the rule: takes a region, and whether it has all its steps.
        worth: whether a region from one value to another is worth reading.

    Returns:
        whether any region was rewritten.
    """
    modified, found, budget = False, origins(graph, is_step), _READ * len(graph)
    for end in list(ends(graph, found)):
        waiting, tries = [end], 0
        while waiting and tries < _TRIES and budget > 0:
            value = waiting.pop()
            source, producer = found[value], value.producer()
            if source is None or source is value or producer is None or not worth(source, value):
                continue
            one = region(value, found)
            budget -= len(one.nodes)
            outcome = rewrite(one, value is end)
            tries += outcome is not Outcome.SKIPPED
            modified |= outcome is Outcome.REWRITTEN
            if outcome is Outcome.SHORTER:
                waiting.extend(v for v in producer.inputs if v is not None and found.get(v) is source)
    return modified


def region(output: ir.Value, found: dict[ir.Value, ir.Value | None]) -> Region:
    """All that lies between ``output`` and its origin."""
    source = found[output]
    assert source is not None
    return between(source, output)


def between(source: ir.Value, output: ir.Value) -> Region:
    """All that makes ``output`` of ``source``."""
    nodes: dict[ir.Node, None] = {}
    waiting: list[tuple[ir.Value, bool]] = [(output, False)]
    while waiting:
        value, inputs_done = waiting.pop()
        producer = value.producer()
        if producer is None or producer in nodes or (value is source):
            continue
        if inputs_done:
            nodes[producer] = None
        else:
            waiting.append((value, True))
            waiting.extend((v, False) for v in producer.inputs if v is not None)
    return Region(source, output, tuple(nodes))
