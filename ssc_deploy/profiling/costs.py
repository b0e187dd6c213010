"""Where the time is spent: the runtime's times for its operators, summed by block and by kind of work.

An operator is identified in the file by the tensor that it writes. So it gets the block, the multiply-accumulates and
the bytes of the layer in the file. Runtimes fuse layers: what an operator does besides the layer that it is named after
(an activation, an addition) counts to that layer. Bytes are those of weights, inputs and outputs, each counted once:
the least that must be moved without a cache.

    achieved = MACs / time,   roof = min(peak of sgemm, intensity * peak of memory),   intensity = MACs / bytes
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ssc_deploy import runtimes
from ssc_deploy.inspection import files

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from ssc_deploy.inspection import Layer
    from ssc_deploy.profiling.job import OperatorTime


class Kind(enum.StrEnum):
    """Kinds of work."""

    DENSE = "dense"  #: convolutions and matrix products over all channels
    GROUPED = "grouped"  #: those in groups, also depthwise ones
    SHIFT = "shift"  #: operators that carry out shifts
    SHUFFLE = "shuffle"  #: operators that carry out permutations of channels
    OTHER = "other"  #: additions, activations, pooling, and operators that are not found in the file


@dataclass(frozen=True)
class OperatorCost:
    """One operator as the runtime ran it.

    Attributes:
        name: of the tensor that it writes, or what the runtime calls it.
        operator: in the runtime's words.
        block: path of the module that it belongs to; empty if it is not known.
        kind: a value of `Kind`.
        ns: in one inference.
        macs: multiply-accumulates.
        bytes: of its weights, inputs and outputs.
    """

    name: str
    operator: str
    block: str
    kind: str
    ns: int
    macs: int
    bytes: int


@dataclass(frozen=True)
class Share:
    """The cost of one block, or of one kind of work.

    Attributes:
        name: of the block or kind.
        ns: in one inference.
        share: of all operators.
        macs: multiply-accumulates.
        bytes: moved at least.
    """

    name: str
    ns: int
    share: float
    macs: int
    bytes: int

    @property
    def gmac_per_s(self) -> float:
        """1e9 multiply-accumulates a second."""
        return self.macs / self.ns if self.ns else 0.0


@dataclass(frozen=True)
class Costs:
    """The costs of a model.

    Attributes:
        operators: in the order of execution.
        blocks: in the order of the network, at a depth that gives not too many of them.
        kinds: each of `Kind` that takes time, the longest first.
        total: all operators.
    """

    operators: tuple[OperatorCost, ...]
    blocks: tuple[Share, ...]
    kinds: tuple[Share, ...]
    total: Share

    @property
    def movement(self) -> float:
        """Share of the time that shifts and shuffles take."""
        return sum(kind.share for kind in self.kinds if kind.name in {Kind.SHIFT, Kind.SHUFFLE})

    @property
    def sentence(self) -> str:
        """The most important sentence."""
        parts = ", ".join(f"{kind.name} {kind.share:.0%}" for kind in self.kinds)
        return f"shift and shuffle cost {self.movement:.0%} of the time of its operators ({parts})"


def costs_of(path: Path, times: Sequence[OperatorTime]) -> Costs | None:
    """The costs of a file's operators.

    Args:
        path: the file that was measured.
        times: of the runtime's profiler; None is returned where there are none.
    """
    if not times:
        return None
    layers = files.layers_of(path, runtimes.runtime_for(path).metadata(path))
    operators = tuple(_operators(layers, times))
    total = sum(one.ns for one in operators)
    if not total:
        return None
    depth = _depth({one.block for one in operators})
    blocks = dict.fromkeys(_shortened(one.block, depth) for one in operators)
    kinds = [_share(kind.value, [one for one in operators if one.kind == kind], total) for kind in Kind]
    return Costs(
        operators,
        tuple(
            _share(block or NO_BLOCK, [one for one in operators if _shortened(one.block, depth) == block], total)
            for block in blocks
        ),
        tuple(sorted((kind for kind in kinds if kind.ns), key=lambda kind: -kind.ns)),
        _share("total", operators, total),
    )


def shares_by_kind(costs: Costs) -> list[tuple[str, list[Share]]]:
    """Each block, with the time of each kind of work in it."""
    depth = _depth({one.block for one in costs.operators})
    rows = []
    for block in costs.blocks:
        inside = [one for one in costs.operators if (_shortened(one.block, depth) or NO_BLOCK) == block.name]
        kinds = [_share(kind.value, [one for one in inside if one.kind == kind], costs.total.ns) for kind in Kind]
        rows.append((block.name, [kind for kind in kinds if kind.ns]))
    return rows


def _operators(layers: Sequence[Layer], times: Sequence[OperatorTime]) -> Iterable[OperatorCost]:
    # ONNX Runtime reports names of nodes. In files of other exporters, these differ from the names of outputs.
    by_name = {layer.block: layer for layer in layers} | {layer.name: layer for layer in layers}
    found = [_layer(by_name, time.name) for time in times]
    found = [_working(layers, time, layer, found) for time, layer in zip(times, found, strict=True)]
    counted: set[str] = set()
    for index, (time, own) in enumerate(zip(times, found, strict=True)):
        # A change of layout belongs to the kernel that needs it: the next one, or the one before.
        if own is None and time.operator.startswith("ReorderInput"):
            near = next((layer for layer in found[index:] if layer is not None), None)
        elif own is None and time.operator.startswith("ReorderOutput"):
            near = next((layer for layer in reversed(found[:index]) if layer is not None), None)
        else:
            near = own
        # XNNPACK may run several operators for one of the file: its work counts once.
        first = own is not None and own.name not in counted
        counted.update([own.name] if own is not None else [])
        yield OperatorCost(
            name=time.name,
            operator=time.operator,
            block=near.block if near else "",
            kind=_kind(near).value,
            ns=time.ns,
            macs=(own.macs or 0) if own is not None and first else 0,
            bytes=own.traffic_bytes if own is not None and first else 0,
        )


def _layer(by_name: Mapping[str, Layer], name: str) -> Layer | None:
    """The layer that an operator is named after. ONNX Runtime appends to the names of nodes that it changes."""
    plain = _CHANGED.sub("", name)
    return by_name.get(name) or by_name.get(plain) or by_name.get(plain.strip("/").replace("/", "."))


def _working(
    layers: Sequence[Layer], time: OperatorTime, layer: Layer | None, found: Sequence[Layer | None]
) -> Layer | None:
    """The convolution that an operator named after its activation carries out as well."""
    if layer is None or layer.macs or not _MULTIPLIES.search(time.operator):
        return layer
    before = layers[max(0, layers.index(layer) - 1)]
    return before if before.macs and before not in found else layer


#: Operators of ONNX Runtime that multiply and accumulate, in its words.
_MULTIPLIES = re.compile("Conv|Gemm|MatMul")

#: What ONNX Runtime appends to the name of a node that it changes.
_CHANGED = re.compile(r"(_nchwc|_token_\d+|/fused)+$")


def _kind(layer: Layer | None) -> Kind:
    if layer is None:
        return Kind.OTHER
    if layer.role in {Kind.SHIFT, Kind.SHUFFLE}:
        return Kind(layer.role)
    if not layer.macs:
        return Kind.OTHER
    return Kind.GROUPED if _GROUPS.search(layer.detail) or layer.operator.startswith("DEPTHWISE") else Kind.DENSE


#: In `Layer.detail`.
_GROUPS = re.compile(r"\bg\d+")


def _depth(blocks: set[str]) -> int:
    """How many parts of a path name a block: as many as leave no more than `_BLOCKS` of them."""
    deepest = max(block.count(".") + 1 for block in blocks)
    fitting = [d for d in range(1, deepest + 1) if len({_shortened(block, d) for block in blocks}) <= _BLOCKS]
    return max(fitting, default=1)


def _shortened(block: str, depth: int) -> str:
    return ".".join(block.split(".")[:depth])


#: The largest number of blocks in a table.
_BLOCKS = 40

#: Name of the share of operators that are not found in the file.
NO_BLOCK = "(no block)"


def _share(name: str, operators: Iterable[OperatorCost], total: int) -> Share:
    listed = list(operators)
    nanoseconds = sum(one.ns for one in listed)
    return Share(name, nanoseconds, nanoseconds / total, sum(o.macs for o in listed), sum(o.bytes for o in listed))
