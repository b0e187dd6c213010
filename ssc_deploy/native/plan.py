"""A finished plan: words, weights, and what each number in the arena is called."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Tensor:
    """A value that a run holds, and where.

    Attributes:
        name: of the value in the graph.
        shape: of the value.
        buffer: that holds it; see `words`.
        offsets: in floats, of each part of it.
        sizes: of the axes inside a part.
        strides: of these axes, in floats.
        after: it is there when so many steps have run, and may be overwritten later.
    """

    name: str
    shape: tuple[int, ...]
    buffer: int
    offsets: tuple[int, ...]
    sizes: tuple[int, ...]
    strides: tuple[int, ...]
    after: int

    def read(self, buffer: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """A copy of the value [*shape] from its buffer."""
        index = np.asarray(self.offsets, np.int64).reshape(-1, *(1,) * len(self.sizes))
        for axis, (size, stride) in enumerate(zip(self.sizes, self.strides, strict=True)):
            along = np.arange(size, dtype=np.int64) * stride
            index = index + along.reshape(-1, *(1,) * (len(self.sizes) - 1 - axis))
        return np.asarray(buffer[index].reshape(self.shape), np.float32)


@dataclass(frozen=True)
class Step:
    """What one step is, for people.

    Attributes:
        kind: name of a `words.Kind`, lower case.
        name: of the value that it computes, or helps to.
        block: path of the module that it comes from.
    """

    kind: str
    name: str
    block: str


@dataclass(frozen=True)
class Plan:
    """What the engine runs.

    Attributes:
        words: int32, the plan itself; ``native/ssc_engine.h`` describes it.
        weights: float32.
        arena: floats of the arena.
        inputs: names and shapes, in order.
        outputs: likewise.
        tensors: values inside, by which a file is compared with its network.
        steps: one for each step.
    """

    words: npt.NDArray[np.int32]
    weights: npt.NDArray[np.float32]
    arena: int
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    tensors: tuple[Tensor, ...]
    steps: tuple[Step, ...]
