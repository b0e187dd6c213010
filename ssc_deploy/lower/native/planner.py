"""The plan while it is made: which value lies where, and what an operator's function asks for."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx_ir as ir

from ssc_deploy.errors import EmitError
from ssc_deploy.ir import graph as g
from ssc_deploy.ir import known, roles
from ssc_deploy.lower.native import arena, reuse, writing
from ssc_deploy.lower.native.held import Held, Planes, Ref, Storage, View, dense_strides, planes_of, view_of
from ssc_deploy.lower.native.margins import Margins
from ssc_deploy.lower.native.registry import OPERATORS, refuse
from ssc_deploy.lower.native.writing import Draft, Offsets, Table, Word
from ssc_deploy.lower.refusal import RefusedError, of_all
from ssc_deploy.native.plan import Plan, Step, Tensor
from ssc_deploy.native.words import ARENA, FIRST_INPUT, LINE, STRIP, WEIGHTS, Kind

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    import numpy.typing as npt

_DTYPES = {ir.DataType.FLOAT, ir.DataType.BOOL}

#: Words of a plan are signed, 32 bits.
_MOST = 2**31 - 1


class Planner:
    """Plans one graph; the functions of `operators` call its methods.

    Args:
        model: a lowered graph with static shapes; it is left as it is.
    """

    def __init__(self, model: ir.Model) -> None:
        self._graph, self.margins = model.graph, Margins(model)
        self._drafts: list[Draft] = []
        self._storages: list[Storage] = []
        self._weights = Storage(WEIGHTS, 0)
        self._parts: list[npt.NDArray[np.float32]] = []
        self._known_parts: dict[bytes, int] = {}
        self._held: dict[ir.Value, Held] = {}
        self._after: dict[ir.Value, int] = {}
        self._done: set[ir.Node] = set()
        #: Copies that `staging` made, by what they are copies of.
        self.copies: dict[Hashable, View] = {}
        self._name = self._block = ""

    def plan(self) -> Plan:
        """Plans all nodes.

        Raises:
            UnsupportedOperatorError: operators that have no kernel; the sentence names all.
            EmitError: an input or an output of another type than float32, or a network too large for a plan.
        """
        found = self.refused()
        if found:
            raise of_all(found)
        return self._finish(self._inputs)

    @property
    def _inputs(self) -> list[ir.Value]:
        return [value for value in self._graph.inputs if not value.is_initializer()]

    def refused(self) -> list[RefusedError]:
        """Plans all nodes; returns what has no kernel. What others read of that holds nothing.

        Raises:
            EmitError: an input of another type than float32.
        """
        for i, value in enumerate(self._inputs):
            if value.dtype is not ir.DataType.FLOAT:
                raise EmitError(f"the input {value.name} is of {value.dtype}, and the C engine takes float32 alone")
            shape = known.shape(value)
            self._held[value] = View(Storage(FIRST_INPUT + i, math.prod(shape)), 0, shape, dense_strides(shape))
            self._after[value] = 0
        refused: list[RefusedError] = []
        for node in self._graph:
            if node not in self._done and node.op_type != "Constant":
                try:
                    self._plan(node)
                except RefusedError as error:
                    refused.append(error)
                    for value in node.outputs:
                        self.set(value, self.new(known.shape(value)))
                self._done.add(node)
        return refused

    def _plan(self, node: ir.Node) -> None:
        self._name, self._block = node.outputs[0].name or "", roles.block(node)
        if node.op_type not in OPERATORS or node.domain not in ("", "ai.onnx"):
            raise refuse(node, "the engine has no kernel for it")
        for value in node.outputs:
            if value.name and value.uses() and value.dtype not in _DTYPES:
                raise refuse(node, f"it gives {value.dtype}, and the engine computes in float32 alone")
        OPERATORS[node.op_type](self, node)

    def _finish(self, inputs: Sequence[ir.Value]) -> Plan:
        outputs = []
        for i, value in enumerate(self._graph.outputs):
            if value.dtype is not ir.DataType.FLOAT:
                raise EmitError(f"the output {value.name} is of {value.dtype}, and the C engine gives float32 alone")
            shape = known.shape(value)
            self._name, self._block = value.name or "", ""
            storage = Storage(FIRST_INPUT + len(inputs) + i, math.prod(shape))
            output = View(storage, 0, shape, dense_strides(shape))
            self.copy(self.held(value), output)
            outputs.append((value, output))
        floats = arena.lay_out(one for one in self._storages if one.last >= 0)
        self._weights.floats = sum(part.size for part in self._parts)
        if max(floats, self._weights.floats) > _MOST // 2:
            raise EmitError("the network is too large for the C engine: its plan counts floats in 31 bits")
        sizes = [[math.prod(known.shape(value)) for value in values] for values in (inputs, self._graph.outputs)]
        words = writing.words_of(self._drafts, floats, self._weights.floats, *sizes)
        weights = np.concatenate(self._parts) if self._parts else np.zeros(0, np.float32)
        tensors = [self._tensor(value, self._held[value]) for value in self._after if value.name]
        steps = tuple(Step(draft.kind.name.lower(), draft.name, draft.block) for draft in self._drafts)
        return Plan(
            words,
            weights,
            floats,
            tuple(tensors[: len(inputs)]),
            tuple(self._tensor(value, output) for value, output in outputs),
            tuple(tensors[len(inputs) :]),
            steps,
        )

    def _tensor(self, value: ir.Value, held: Held) -> Tensor:
        name, after = value.name or "", self._after.get(value, len(self._drafts))
        if isinstance(held, View):
            if any(across for _, across in held.displaced):
                name = roles.kept(name)
            at = (held.storage.offset + held.offset,)
            return Tensor(name, held.shape, held.storage.buffer, at, held.shape, held.strides, after)
        offsets = tuple(storage.offset + offset for storage, offset in held.refs)
        return Tensor(name, held.shape, held.refs[0][0].buffer, offsets, held.shape[2:], (held.pitch, 1), after)

    # What values are held as.

    def held(self, value: ir.Value | None) -> Held:
        """Where a value lies; a constant is put among the weights."""
        assert value is not None
        if value not in self._held:
            array = known.constant(value)
            self._held[value] = self.constant(np.asarray(array, np.float32))
        return self._held[value]

    def view(self, value: ir.Value | None) -> View:
        """A value at regular distances; it is copied where its planes lie anywhere."""
        held = self.held(value)
        found = view_of(held)
        return self._copied(held) if found is None else found

    def dense(self, value: ir.Value | None) -> View:
        """A value whose numbers follow one another; it is copied where they do not."""
        found = self.view(value)
        return found if found.is_dense else self._copied(found)

    def planes(self, value: ir.Value | None) -> Planes:
        """A feature map as planes of one buffer; it is copied where it is none."""
        assert value is not None
        held = self.held(value)
        found = planes_of(held)
        if found is None or len({storage.buffer for storage, _ in found.refs}) > 1:
            found = planes_of(self._copied(held))
        assert found is not None  # a dense view has rows
        return found

    def with_margin(self, value: ir.Value | None, margin: int) -> Planes:
        """A feature map with zeros around each plane; it is copied where it has none."""
        found = self.planes(value)
        if found.margin >= margin and not found.shifted:
            return found
        copied = self.new_map(found.shape, margin)
        self.clear(copied)
        self.copy(found, copied)
        whole = planes_of(copied)
        assert whole is not None
        return whole

    def _copied(self, held: Held) -> View:
        copy = self.new(held.shape)
        self.copy(held, copy)
        return copy

    def constant(self, array: npt.NDArray[np.float32]) -> View:
        """Puts numbers among the weights, once however often they are asked for."""
        flat = np.ascontiguousarray(array, np.float32).ravel()
        key = flat.tobytes()
        if key not in self._known_parts:
            self._known_parts[key] = sum(part.size for part in self._parts)
            self._parts.append(flat)
        return View(self._weights, self._known_parts[key], array.shape, dense_strides(array.shape))

    def array(self, node: ir.Node, index: int, what: str) -> npt.NDArray[Any] | None:
        """The numbers of an input that has to be constant; None where it is left out.

        Raises:
            UnsupportedOperatorError: the graph computes it.
        """
        value = node.inputs[index] if index < len(node.inputs) else None
        if value is None:
            return None
        found = g.constant(value)
        if found is None:
            raise refuse(node, f"its {what} has to be a constant")
        return found

    # New storages.

    def new(self, shape: tuple[int, ...]) -> View:
        """A new value whose numbers follow one another."""
        storage = Storage(ARENA, max(math.prod(shape), 1))
        self._storages.append(storage)
        return View(storage, 0, shape, dense_strides(shape))

    def new_map(
        self,
        shape: tuple[int, ...],
        margin: int = 0,
        pitch: int | None = None,
        slack: int = 0,
        displaced: Sequence[tuple[int, int]] = (),
    ) -> View:
        """A new feature map [N, C, H, W]; nothing is in its margin yet.

        Planes begin at lines of the cache. Those of more than a strip of the kernels are an odd number of lines apart,
        so that the strips of many planes do not fall on the same places of a cache.

        Args:
            shape: of the map.
            margin: rows and columns around each plane; planes that follow one another share them.
            pitch: from a row to the next; default that of all maps of the size.
            slack: floats behind the last plane.
            displaced: see `View`; then there is no margin, and zeros are above and below only.
        """
        n, c, height, width = shape
        pitch = pitch or max(self.margins.pitch(height, width), width + margin)
        down, across = (max((abs(by[axis]) for by in displaced), default=margin) for axis in range(2))
        plane = height * pitch + down * pitch + across
        if plane > STRIP:
            lines = -(-plane // LINE)
            plane = (lines + 1 - lines % 2) * LINE
        band = plane - height * pitch if down or across else 0
        before = -(-band // LINE) * LINE
        storage = Storage(ARENA, before + n * c * plane + slack)
        self._storages.append(storage)
        return View(storage, before, shape, (c * plane, plane, pitch, 1), margin, tuple(displaced))

    def output(self, value: ir.Value) -> View:
        """A new place for a value, laid out as its readers need it; a margin is zero already."""
        shape = known.shape(value)
        if len(shape) != 4:
            return self.new(shape)
        made = self.new_map(shape, self.margins.of(value))
        if made.margin:
            self.clear(made)
        return made

    def set(self, value: ir.Value, held: Held) -> None:
        """Says where a value lies, now that its steps are there."""
        self._held[value], self._after[value] = held, len(self._drafts)
        storages = {held.storage} if isinstance(held, View) else {storage for storage, _ in held.refs}
        for storage in storages:
            if storage.first >= 0:
                storage.last = max(storage.last, len(self._drafts) - 1)

    def in_place(self, value: ir.Value, result: View) -> View | None:
        """Where the step to come may write the sum of a value and its own result: the value's place, if it is free."""
        found = reuse.replaceable(value, result, self._held, self._done)
        if found is not None:
            self.copies.clear()  # a copy of what stood there is none of the sum
        return found

    def fuse(self, node: ir.Node) -> None:
        """Says that a node was carried out with another one."""
        self._done.add(node)

    def is_held(self, value: ir.Value | None) -> bool:
        """Whether a value is computed already, or an input."""
        return value in self._held

    # Steps.

    def step(self, kind: Kind, *words: Word) -> None:
        """Adds a step; every storage that it names is in use there."""
        at = len(self._drafts)
        for word in words:
            if isinstance(word, tuple):
                self._use(word[0], at)
            elif isinstance(word, Offsets):
                for storage, _ in word.refs:
                    self._use(storage, at)
        self._drafts.append(Draft(kind, words, self._name, self._block))

    @staticmethod
    def _use(storage: Storage, at: int) -> None:
        storage.first = at if storage.first < 0 else storage.first
        storage.last = at

    def copy(self, held: Held, to: View) -> None:
        """Copies a value."""
        if math.prod(to.shape) == 0:
            return
        view = view_of(held)
        if view is not None:
            sizes, strides = merged(to.shape, view.strides, to.strides)
            self.step(Kind.MOVE, len(sizes), *sizes, at(view), at(to), None, *strides[0], *strides[1])
            return
        assert isinstance(held, Planes)
        n, c, height, width = held.shape
        for image in range(n):
            offsets = Offsets(held.refs[image * c : (image + 1) * c])
            place = (to.storage, to.offset + image * to.strides[0])
            self.step(
                Kind.MOVE, 3, c, height, width, offsets.base, place, offsets, 0, held.pitch, 1, *to.strides[1:]
            )  # fmt: skip

    def fill(self, view: View, value: float) -> None:
        """Sets all numbers of a view."""
        sizes, (strides,) = merged(view.shape, view.strides)
        self.step(Kind.FILL, len(sizes), *sizes, at(view), float(value), *strides)

    def clear(self, view: View) -> None:
        """Sets a new map and its margin to zero."""
        self.step(Kind.FILL, 1, view.storage.floats, (view.storage, 0), 0.0, 1)

    def clear_bands(self, view: View) -> None:
        """Sets to zero what lies before and behind the planes of a new map, but not between the rows of one."""
        n, c, height, _ = view.shape
        band = view.strides[1] - height * view.strides[2]
        self.step(Kind.FILL, 2, n * c + 1, band, (view.storage, view.offset - band), 0.0, view.strides[1], 1)


def at(view: View) -> Ref:
    """The place of a view."""
    return view.storage, view.offset


def merged(shape: tuple[int, ...], *strides: tuple[int, ...]) -> tuple[list[int], list[list[int]]]:
    """Sizes and strides with as few axes as go through the same numbers in the same order, at most `words.RANK`."""
    sizes: list[int] = []
    kept: list[list[int]] = [[] for _ in strides]
    for axis, size in enumerate(shape):
        by = [one[axis] for one in strides]
        if size == 1:
            continue
        if sizes and all(have[-1] == size * new for have, new in zip(kept, by, strict=True)):
            sizes[-1] *= size
            for have, new in zip(kept, by, strict=True):
                have[-1] = new
            continue
        sizes.append(size)
        for have, new in zip(kept, by, strict=True):
            have.append(new)
    return sizes, kept


def table(numbers: Sequence[int]) -> Table:
    """A table of integers."""
    return Table(tuple(int(number) for number in numbers))
