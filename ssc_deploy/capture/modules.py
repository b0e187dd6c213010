"""Probes whole modules before the export.

A submodule without parameters is run on numbered pixels in eager PyTorch, at a size larger than the network's own, and
at every size at which the network calls it. If it only moves data, the same everywhere, a one-hot depthwise convolution
takes its place while the network is exported: a shift written channel by channel would become tens of thousands of
nodes and take minutes.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from ssc_deploy.ir import movement as mv

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

#: Exceptions of a module that runs at a size for which it was not written.
_SIZE_ERRORS = (RuntimeError, ValueError, IndexError, TypeError, AssertionError)

#: PyTorch's names of what stands outside of a feature map.
_PADS = {mv.Edge.WRAP: "circular", mv.Edge.REPEAT: "replicate"}


@dataclass
class Calls:
    """How a network calls its modules on one input.

    Attributes:
        count: by path, calls that returned one tensor.
        shapes: by path, the shapes of the one float32 tensor that each call was given; a call with anything else is
            ``None``.
    """

    count: Counter[str] = field(default_factory=Counter)
    shapes: dict[str, set[tuple[int, ...] | None]] = field(default_factory=dict)


@dataclass(frozen=True)
class ProbedModule:
    """A module that only moves data.

    Attributes:
        path: where the network has it.
        kind: its class's name.
        movement: what it does.
    """

    path: str
    kind: str
    movement: mv.Movement


def observe(module: nn.Module, given: Sequence[torch.Tensor]) -> Calls:
    """Runs the network once and notes how each module is called."""
    calls = Calls()

    def note(path: str, arguments: tuple[Any, ...], keywords: dict[str, Any], output: Any) -> None:
        if torch.compiler.is_compiling():
            return  # `torch.cond` and its like compile their branches, which must not change anything outside of them
        if isinstance(output, torch.Tensor):
            calls.count[path] += 1
        one = not keywords and len(arguments) == 1 and isinstance(arguments[0], torch.Tensor)
        plain = one and arguments[0].dtype == torch.float32 and isinstance(output, torch.Tensor)
        calls.shapes.setdefault(path, set()).add(tuple(arguments[0].shape) if plain else None)

    with contextlib.ExitStack() as stack:
        for path, child in module.named_modules():
            handle = child.register_forward_hook(
                lambda _, arguments, keywords, output, path=path: note(path, arguments, keywords, output),
                with_kwargs=True,
            )
            stack.callback(handle.remove)
        # Not inference mode: a module may keep what it computes at its first call, and use it with its weights.
        with torch.no_grad():
            module(*given)
    return calls


def probe(module: nn.Module, calls: Calls) -> tuple[ProbedModule, ...]:
    """Finds the modules that only move data, the outermost of nested ones."""
    found: list[ProbedModule] = []
    for path, child in module.named_modules():
        inside = any(path.startswith(f"{other.path}.") for other in found)
        if not path or inside or next(child.parameters(), None) is not None:
            continue
        shapes = calls.shapes.get(path, set())
        # A module that sees several images at once may move things from one to another.
        if not shapes or any(shape is None or len(shape) != 4 or shape[0] != 1 for shape in shapes):
            continue
        movement = _movement(child, [shape for shape in shapes if shape is not None])
        if movement is not None and not movement.is_identity:
            found.append(ProbedModule(path, type(child).__name__, movement))
    return tuple(found)


@contextlib.contextmanager
def replaced(module: nn.Module, probed: Sequence[ProbedModule]) -> Iterator[None]:
    """Puts the canonical form in the place of the probed modules while the context lasts."""
    stand_ins = {module.get_submodule(p.path): _Movement(p.movement).eval() for p in probed}
    # `named_children` would leave out the second place of a module that stands in two.
    places = [
        (parent, name, child)
        for parent in module.modules()
        for name, child in parent._modules.items()
        if child in stand_ins
    ]
    try:
        for parent, name, child in places:
            setattr(parent, name, stand_ins[child])
        yield
    finally:
        for parent, name, child in places:
            setattr(parent, name, child)


class _Movement(nn.Module):
    """A movement as the operators of the canonical form: channel selection, then one-hot depthwise convolution."""

    weight: torch.Tensor
    indices: torch.Tensor

    def __init__(self, movement: mv.Movement) -> None:
        super().__init__()
        self.selects = not movement.is_shift
        self.shifts = not movement.is_permutation
        self.radius, self.edge = movement.radius, movement.edge
        self.register_buffer("weight", torch.from_numpy(movement.kernel()), persistent=False)
        self.register_buffer("indices", torch.tensor(movement.source), persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.selects:
            x = x.index_select(1, self.indices)
        if self.shifts:
            padding = self.radius
            if self.edge is not mv.Edge.ZERO:
                x, padding = nn.functional.pad(x, (self.radius,) * 4, mode=_PADS[self.edge]), 0
            x = nn.functional.conv2d(x, self.weight, padding=padding, groups=self.weight.shape[0])
        return x


def _movement(module: nn.Module, shapes: Sequence[tuple[int, ...]]) -> mv.Movement | None:
    """The movement that the module performs at all the shapes and at a larger one; None if they differ."""

    def run(image: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        given = torch.from_numpy(image.copy())
        with torch.no_grad():
            output = module(given)
        # What works in place, or returns a view, does more than what it returns: who writes on one writes on both.
        if not isinstance(output, torch.Tensor) or _share(output, given) or not np.array_equal(given.numpy(), image):
            return image[:0]
        return output.numpy()

    own = [(channels, height, width) for _, channels, height, width in shapes]
    channels, height, width = own[0]
    try:
        movement = mv.read(run, (channels, height + 2, width + 3))
    except _SIZE_ERRORS:
        # Tied to its size: what is read at that size is all that it ever does.
        movement = mv.read(run, own[0])
    if isinstance(movement, str) or any(shape[0] != movement.in_channels for shape in own):
        return None
    if movement.edge is mv.Edge.WRAP and any(movement.radius > min(shape[1:]) for shape in own):
        return None  # PyTorch's circular padding goes round once at the most
    return movement if all(mv.performs(run, movement, shape) for shape in own) else None


def _share(a: torch.Tensor, b: torch.Tensor) -> bool:
    return a.untyped_storage().data_ptr() == b.untyped_storage().data_ptr()
