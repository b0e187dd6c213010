"""Data movement, however it is written, becomes a shift and a channel permutation.

A region of steps that only move data, from one image s to one image v of the same size, is followed number by number
(`pixels`) and read as

    v[n, c, y, x] = s[n, source[c], y + dy[c], x + dx[c]]

where edges are zero, wrap around or repeat. It is written as a one-hot depthwise ``Conv`` (the shift), behind a ``Pad``
where edges are not zero, and a ``Gather`` on the channels (the shuffle); a selection of neighbouring channels as a
``Slice``. Either image may have another layout than [N, C, H, W] (`layout`); the change of layout then stands beside
the movement. What cannot be read so is left as it was, with the reason.

Every value is followed from one source, the nearest that no step made. What follows a movement, or a step that is none,
is followed from there, but not far behind the last movement found, so that the work grows with the size of the graph
alone.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import onnx_ir as ir
from onnx_ir.passes import common

from ssc_deploy.ir import canonical, known, roles
from ssc_deploy.ir import graph as g
from ssc_deploy.ir import movement as mv
from ssc_deploy.ir.builder import Builder, take_over
from ssc_deploy.rewrite import pixels
from ssc_deploy.rewrite.followed import Followed, Found, Refused
from ssc_deploy.rewrite.layout import Channels, known_channels
from ssc_deploy.rewrite.reach import Order, Queue
from ssc_deploy.rewrite.report import MOVEMENT, Refusal

if TYPE_CHECKING:
    from collections.abc import Iterable

#: From a value behind a source, steps are followed while a movement stands at most this many of them before.
_WINDOW = 16


class RecogniseMovement(ir.passes.InPlacePass):
    """Rewrites every region that moves data into its canonical form; see the module's docstring."""

    def __init__(self) -> None:
        self.refusals: list[Refusal] = []
        #: The same by the value at which each ends.
        self.reasons: dict[ir.Value, Refusal] = {}

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        """Runs the pass."""
        search = _Search(model.graph)
        search.run()
        self.refusals, self.reasons = search.refusals, search.reasons
        unused = common.RemoveUnusedNodesPass()(model)
        return ir.passes.PassResult(model, search.modified or unused.modified)


class _Search:
    """Follows every source of a graph, in the graph's order, and replaces what is found."""

    def __init__(self, graph: ir.Graph) -> None:
        self.modified = False
        self._graph = graph
        self._order = Order(graph)
        self._channels = known_channels(graph)
        # Values that are to be followed, though a step made them.
        self._starts: set[ir.Value] = set()
        self._steps: set[ir.Value] = set()
        self._searched: set[ir.Value] = set()
        self._queue = Queue(graph, self._order)
        # By the value at which a region ends. A value from which the search began again has its reason beside it.
        self._refusals: dict[ir.Value, Refusal] = {}
        self._passed: dict[ir.Value, Refusal] = {}

    @property
    def reasons(self) -> dict[ir.Value, Refusal]:
        """Why each value is no movement, by the value."""
        return dict(self._refusals)

    @property
    def refusals(self) -> list[Refusal]:
        """What was left alone, in the order of the graph."""
        here = [(node, value) for node in self._graph for value in node.outputs if value in self._refusals]
        return [self._refusals[value] for _, value in here]

    def run(self) -> None:
        """Follows every source; those that are found on the way as well."""
        for value in self._queue:
            gone = (producer := value.producer()) is not None and producer.graph is None
            if not gone and value not in self._searched and (value not in self._steps or value in self._starts):
                self._searched.add(value)
                self._search(value)

    def _search(self, source: ir.Value) -> None:
        shape = g.shape_of(source)
        if shape is None or source.dtype != ir.DataType.FLOAT or not 0 < np.prod(shape) <= pixels.LARGEST:
            return
        if len(shape) < 3 or not any(pixels.moves_data(user) for user, _ in source.uses()):
            return
        if source in self._starts and shape[0] != 1:
            return  # in the middle of a region, the first axis is not a batch
        window = _WINDOW if source in self._starts else math.inf
        followed = Followed(source, self._order, self._channels, window)
        self._steps.update(followed.readings)
        settled = _Settled(followed)
        for end in followed.reach.ends():
            reading = followed.readings[end]
            refusal = settled.settle(end)
            if refusal is not None:
                self._refusals.setdefault(end, refusal)
            elif isinstance(reading, Found):
                self._refusals.pop(end, None)
                if source in self._passed:
                    self._refusals[source] = self._passed.pop(source)
        starts = self._replace(followed, settled)
        for value in self._starts_behind(followed, settled, starts):
            self._starts.add(value)
            self._queue.push(value)

    def _replace(self, followed: Followed, settled: _Settled) -> dict[ir.Value, ir.Value]:
        """Writes what was found; returns where the search goes on, by the value that stands there now."""
        reach, starts = followed.reach, {}
        for value, found in settled.found.items():
            last = known.producer(value)
            before = list(last.inputs)
            new, start = _write(reach.source, value, last, found)
            starts[new] = start
            if new is value:
                continue
            self.modified = True
            for node in _made_since(reach.source, new):
                self._order.add(node, self._order.position[last])
            self._channels[start] = Channels.FIRST
            _remove_unused(last, before)
        return starts

    def _starts_behind(
        self, followed: Followed, settled: _Settled, starts: dict[ir.Value, ir.Value]
    ) -> Iterable[ir.Value]:
        """The values behind this source from which the search goes on."""
        reach = followed.reach
        origin: dict[ir.Value, ir.Value] = {reach.source: reach.source, **starts}
        fresh = dict.fromkeys(start for start in starts.values() if start is not reach.source)
        for node in reach.nodes:
            if node.graph is None:
                continue
            origins = {origin[value] for value in node.inputs if value in origin}
            for value in node.outputs:
                if value in starts or not origins:
                    continue
                reading, one = followed.readings[value], len(origins) == 1
                origin[value] = next(iter(origins)) if one else value
                if value not in settled.left or (one and origin[value] is not reach.source):
                    continue
                if one and isinstance(reading, Found):
                    continue
                origin[value] = value
                fresh[value] = None
                if isinstance(reading, Refused) and reading.compared:
                    self._passed[value] = Refusal(roles.block(node), MOVEMENT, 1, reading.reason)
        return fresh


class _Settled:
    """Which values of a region are written again, and which steps are left as they are."""

    def __init__(self, followed: Followed) -> None:
        self.found: dict[ir.Value, Found] = {}
        self.left: set[ir.Value] = set()
        self._readings, self._reach = followed.readings, followed.reach
        self._done: set[ir.Value] = set()
        self._counted: set[ir.Node] = set()

    def settle(self, end: ir.Value) -> Refusal | None:
        """Decides all values before a region's end. Says why the end, or what is nearest to it, is not a movement."""
        waiting, needed, reason, steps = [end], {end}, None, 0
        while waiting:
            value = waiting.pop()
            if value is self._reach.source or value in self._done:
                continue
            self._done.add(value)
            reading, alone = self._readings[value], self._reach.is_alone(value)
            producer = known.producer(value)
            if isinstance(reading, Found) and not reading.stays and (alone or value in needed):
                shared = None if alone else self._shared(value)
                if shared is None:
                    self.found[value] = reading
                else:
                    self.left.add(value)
                    needed.add(shared)
                    waiting.append(shared)
                continue
            self.left.add(value)
            if isinstance(reading, Found) and reading.stays and value is end:
                continue
            if isinstance(reading, Refused) and (reading.compared or value is end):
                reason = reason or Refusal(roles.block(producer), MOVEMENT, 0, reading.reason)
            if producer not in self._counted:
                self._counted.add(producer)
                steps += 1
            waiting.extend(v for v in producer.inputs if v is not None and v in self._readings)
        return reason and Refusal(reason.block, reason.looked_for, max(steps, 1), reason.reason)

    def _shared(self, value: ir.Value) -> ir.Value | None:
        """A movement that all of ``value`` comes through, and something else as well, nearest to it."""
        before = self._reach.before(value)
        for _ in range(_WINDOW):
            if before is self._reach.source:
                return None
            reading = self._readings[before]
            if isinstance(reading, Found) and not reading.stays and not self._reach.ends_in(before, value):
                return before
            before = self._reach.before(before)
        return None


def _made_since(source: ir.Value, value: ir.Value) -> Iterable[ir.Node]:
    """The nodes of a row, from ``source`` to ``value``."""
    while value is not source:
        node = known.producer(value)
        yield node
        value = known.data(node)


def _remove_unused(last: ir.Node, inputs: list[ir.Value | None]) -> None:
    """Removes a node that nothing reads any more, then what it alone has read."""
    waiting = [(last, inputs)]
    while waiting:
        node, inputs = waiting.pop()
        if node.graph is None or any(output.uses() or output.is_graph_output() for output in node.outputs):
            continue
        node.graph.remove([node], safe=True)
        producers = dict.fromkeys(p for v in inputs if v is not None and (p := v.producer()) is not None)
        waiting.extend((producer, list(producer.inputs)) for producer in producers)


def _write(source: ir.Value, value: ir.Value, last: ir.Node, found: Found) -> tuple[ir.Value, ir.Value]:
    """Puts the canonical form in a value's place.

    Returns:
        what stands there now, the old value where it was canonical already; and the image [N, C, H, W] that it is made
        of, which is the same unless its layout is another.
    """
    movement = found.movement
    bijective = sorted(movement.source) == list(range(movement.in_channels))
    channels = mv.permutation(movement.source, movement.in_channels)
    # A shift in front of its permutation keeps the regular order of offsets that lowerings make use of.
    offsets = dict(zip(movement.source, movement.offsets, strict=True))
    placed = tuple(offsets[c] for c in range(movement.in_channels)) if bijective else movement.offsets
    shift = mv.shift(placed, movement.edge)
    steps = [shift, channels] if bijective else [channels, shift]
    steps = [step for step in steps if not step.is_identity]
    plain = found.before.is_canonical and found.after.is_canonical
    if plain and len(steps) == 1 and canonical.image_of(last) is source and _mark(last, steps[0]):
        return value, value
    builder = Builder(last)
    image = found.before.to_image(builder, source) if steps else source
    for step in steps:
        image = builder.shift(image, step) if step.is_shift else _channels(builder, image, step)
    result = found.after.from_image(builder, image) if steps else image
    builder.insert()
    return take_over(value, result), image


def _mark(node: ir.Node, step: mv.Movement) -> bool:
    """Gives a node that has the canonical form already its role; False where it has another form."""
    if step.is_shift and canonical.shift_of(node):
        node.resize_inputs(2)  # the exporter gives every Conv a bias, of zeros if need be
        roles.set_role(node, roles.Role.SHIFT)
        return True
    if _neighbours(step.source) and node.op_type == "Slice":
        return True
    indices = g.constant(node.inputs[1]) if node.op_type == "Gather" else None
    if indices is not None and indices.ndim == 1 and g.integer(node, "axis", 0) == 1:
        roles.set_role(node, roles.Role.SHUFFLE)
        return True
    return False


def _channels(builder: Builder, image: ir.Value, step: mv.Movement) -> ir.Value:
    if not _neighbours(step.source):
        return builder.shuffle(image, step.source)
    n, _, *size = known.shape(image)
    bounds = [builder.integers("channels", i) for i in (step.source[0], step.source[-1] + 1, 1)]
    return builder.op("Slice", [image, *bounds], shape=(n, step.out_channels, *size))


def _neighbours(source: tuple[int, ...]) -> bool:
    return source == tuple(range(source[0], source[0] + len(source)))
