"""The compiled engine, called from Python."""

from __future__ import annotations

import ctypes
import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from ssc_deploy.errors import RuntimeLoadError
from ssc_deploy.native import compiling
from ssc_deploy.native.words import ARENA, FIRST_INPUT, LINE, WEIGHTS, Instructions

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt

    from ssc_deploy.native.plan import Plan, Tensor

#: The arena of a plan of somebody else may not be larger than this, in floats: 4 GiB.
_LARGEST_ARENA = 2**30

_WORDS = ctypes.POINTER(ctypes.c_int32)
_FLOATS = ctypes.POINTER(ctypes.c_float)


class _Machine(ctypes.Structure):
    """``ssc_machine``: the kernels, and the threads that are lent."""

    _fields_ = (("kernels", ctypes.c_void_p), ("parallel", ctypes.c_void_p))


@functools.cache
def load(path: Path | None = None) -> ctypes.CDLL:
    """The engine's functions with their types.

    Args:
        path: of a library; default the one of this host, which is compiled if need be.

    Raises:
        RuntimeLoadError: there is no compiler, or the library cannot be loaded.
    """
    where = compiling.library() if path is None else path
    try:
        library = ctypes.CDLL(str(where))
    except OSError as error:
        raise RuntimeLoadError(f"the compiled engine {where} cannot be loaded: {error}") from error
    library.ssc_plan_check.argtypes = [_WORDS, ctypes.c_size_t]
    library.ssc_plan_check.restype = ctypes.c_char_p
    library.ssc_kernels_best.argtypes = []
    library.ssc_kernels_best.restype = ctypes.c_void_p
    library.ssc_kernels_for.argtypes = [ctypes.c_int]
    library.ssc_kernels_for.restype = ctypes.c_void_p
    library.ssc_plan_run_on.argtypes = [
        ctypes.POINTER(_Machine),
        *(_WORDS, _FLOATS, ctypes.POINTER(_FLOATS), ctypes.POINTER(_FLOATS), _FLOATS),
        *(ctypes.c_size_t, ctypes.c_size_t),
    ]
    library.ssc_plan_run_on.restype = None
    return library


class Engine:
    """A plan that may run: it is checked.

    Args:
        plan: of this program or of somebody else.

    Raises:
        RuntimeLoadError: the plan is wrong, or there is no compiler.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan, self._library = plan, load()
        self._machine = _Machine(self._library.ssc_kernels_best(), None)
        self._words = np.ascontiguousarray(plan.words, np.int32)
        reason = self._library.ssc_plan_check(_pointer(self._words, _WORDS), self._words.size)
        if reason is not None:
            raise RuntimeLoadError(f"the plan cannot run: {reason.decode()}; export it again")
        _, _, _, arena, weights, inputs, outputs, steps, _ = self._words[:9].tolist()
        sizes = self._words[9 : 9 + inputs + outputs].tolist()
        self._sizes = sizes[:inputs], sizes[inputs:]
        self._buffers = {WEIGHTS: weights, ARENA: arena} | {FIRST_INPUT + i: size for i, size in enumerate(sizes)}
        self._check(steps)
        self._weights = np.ascontiguousarray(plan.weights, np.float32)
        self._arena = _aligned(max(arena, 1))
        # Made once: each takes as long as some layers of a small network.
        self._constant = (
            ctypes.byref(self._machine),
            _pointer(self._words, _WORDS),
            _pointer(self._weights, _FLOATS),
        )
        self._arena_pointer = _pointer(self._arena, _FLOATS)

    def use(self, instructions: Instructions) -> None:
        """Runs with another instruction set than the fastest of this processor; the results are the same.

        Raises:
            RuntimeLoadError: this processor or this build does not have it.
        """
        kernels = self._library.ssc_kernels_for(instructions)
        if kernels is None:
            raise RuntimeLoadError(f"this processor has no {instructions.name}; leave it to the engine to choose")
        self._machine.kernels = kernels

    def _check(self, steps: int) -> None:
        """Holds what is said beside the plan to the plan."""
        arena, weights = self._buffers[ARENA], self._buffers[WEIGHTS]
        if arena > _LARGEST_ARENA or arena != self._plan.arena:
            raise RuntimeLoadError("the plan cannot run: its arena is too large, or another than it says")
        if weights != self._plan.weights.size:
            raise RuntimeLoadError("the plan cannot run: it belongs to other weights")
        if steps != len(self._plan.steps):
            raise RuntimeLoadError("the plan cannot run: its steps are not those that are described")
        for tensors, sizes in zip((self._plan.inputs, self._plan.outputs), self._sizes, strict=True):
            if [int(np.prod(one.shape, dtype=np.int64)) for one in tensors] != sizes:
                raise RuntimeLoadError("the plan cannot run: its inputs and outputs are not those that are described")
        for tensor in (*self._plan.inputs, *self._plan.outputs, *self._plan.tensors):
            if not _fits(tensor, self._buffers, steps):
                raise RuntimeLoadError(f"the plan cannot run: the tensor {tensor.name} lies outside of its buffer")

    def run(
        self, inputs: Sequence[npt.NDArray[np.generic]], taps: Sequence[Tensor] = ()
    ) -> list[npt.NDArray[np.float32]]:
        """Runs the plan once.

        Args:
            inputs: float32, of the shapes of the plan.
            taps: tensors of the plan whose values are wanted as well.

        Returns:
            the outputs, and the values of the taps.
        """
        given = [np.ascontiguousarray(array, np.float32) for array in inputs]
        outputs = [np.zeros(size, np.float32) for size in self._sizes[1]]
        buffers = {WEIGHTS: self._weights, ARENA: self._arena}
        buffers |= {FIRST_INPUT + i: array.reshape(-1) for i, array in enumerate((*given, *outputs))}
        pointers = [_pointers(arrays) for arrays in (given, outputs)]
        values: dict[int, npt.NDArray[np.float32]] = {}
        done = 0
        for after in sorted({tensor.after for tensor in taps} | {len(self._plan.steps)}):
            self._library.ssc_plan_run_on(
                *self._constant,
                *pointers,
                self._arena_pointer,
                done,
                after - done,
            )
            done = after
            values |= {i: tensor.read(buffers[tensor.buffer]) for i, tensor in enumerate(taps) if tensor.after == after}
        shaped = [array.reshape(one.shape) for array, one in zip(outputs, self._plan.outputs, strict=True)]
        return [*shaped, *(values[i] for i in range(len(taps)))]


def _fits(tensor: Tensor, buffers: dict[int, int], steps: int) -> bool:
    """Whether a tensor lies inside of its buffer, and has as many numbers as its shape says."""
    numbers = len(tensor.offsets)
    for size in tensor.sizes:
        numbers *= size
    wanted = 1
    for size in tensor.shape:
        wanted *= size
    if tensor.buffer not in buffers or not tensor.offsets or len(tensor.sizes) != len(tensor.strides):
        return False
    if min((*tensor.sizes, *tensor.shape), default=0) < 0 or numbers != wanted or not 0 <= tensor.after <= steps:
        return False
    ends = [(size - 1) * stride for size, stride in zip(tensor.sizes, tensor.strides, strict=True)]
    first = min(tensor.offsets) + sum(min(end, 0) for end in ends)
    last = max(tensor.offsets) + sum(max(end, 0) for end in ends)
    return wanted == 0 or (first >= 0 and last < buffers[tensor.buffer])


def _aligned(floats: int) -> npt.NDArray[np.float32]:
    """Zeros that begin where a line of the cache does, so that no vector of a kernel lies in two."""
    room = np.zeros(floats + LINE, np.float32)
    first = -(room.ctypes.data // room.itemsize) % LINE
    return room[first : first + floats]


def _pointers(arrays: Sequence[npt.NDArray[np.float32]]) -> Any:
    return (_FLOATS * max(len(arrays), 1))(*(_pointer(one, _FLOATS) for one in arrays))


def _pointer(array: npt.NDArray[Any], kind: Any) -> Any:
    return array.ctypes.data_as(kind)
