"""Cross-layer equalisation: channels that are small beside others are made larger, and the next kernel undoes it.

    W1' = W1 / s,   b1' = b1 / s,   W2' = s W2,        s = sqrt(r1 / r2) rounded to a power of two

with r1 the largest number of a channel in the kernels that write it, and r2 in those that read it; after it both are
``sqrt(r1 r2)`` (Nagel et al., "Data-free quantization through weight equalization and bias correction", 2019, arXiv
1906.04721, section 4.1). What lies between two kernels has to let the factor through (`channels`). The kernels take
turns in the order of the graph until no factor changes.

The factors are powers of two, which float32 multiplies with exactly: the network computes the same numbers, to the bit,
as long as none is too large or too small for float32. Such a factor misses the best one by the square root of two at
most.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ssc_deploy.errors import QuantizationError
from ssc_deploy.ir import known, roles
from ssc_deploy.quantize.channels import classes
from ssc_deploy.quantize.constants import give

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt
    import onnx_ir as ir

    from ssc_deploy.quantize.channels import Classes, Kernel

    Exponents = npt.NDArray[np.int64]

#: Turns of all kernels, at most.
_SWEEPS = 50

#: Exponents of a factor, at most: what is multiplied so stays a normal number of float32, if it was a common one.
MOST = 24


def factors(model: ir.Model) -> dict[str, tuple[int, ...]]:
    """The factors that equalise a graph.

    Args:
        model: canonical form; it is left as it is.

    Returns:
        the exponent of two of each channel's factor, by the name of what a kernel writes, before any activation;
        kernels that are left as they are, are not there. Values become smaller by their factor.
    """
    found = classes(model)
    turns = [_Turn(found, at) for at in range(len(found.kernels))]
    exponents = np.zeros(len(found.free), np.int64)
    for _ in range(_SWEEPS):
        changed = [turn.take(exponents) for turn in turns]
        if not any(changed):
            break
    by_kernel = {known.name(kernel.node.outputs[0]): exponents[kernel.writes] for kernel in found.kernels}
    return {name: tuple(one.tolist()) for name, one in by_kernel.items() if one.any()}


def apply(model: ir.Model, given: Mapping[str, tuple[int, ...]]) -> None:
    """Multiplies kernels and biases with factors, in place. The network computes the same as before.

    Args:
        model: canonical form.
        given: see `factors`.

    Raises:
        QuantizationError: they are not factors of this graph, or change what it computes.
    """
    found = classes(model)
    exponents = np.zeros(len(found.free), np.int64)
    named = {known.name(kernel.node.outputs[0]): kernel for kernel in found.kernels}
    for name, kernel in named.items():
        of_kernel = _given(given, name, kernel)
        if of_kernel.shape != kernel.writes.shape or np.abs(of_kernel).max(initial=0) > MOST:
            raise QuantizationError("the factors of the equalisation are not those of this network")
        exponents[kernel.writes] = of_kernel
    # Kernels that write the same classes have to agree.
    agree = all((exponents[kernel.writes] == _given(given, name, kernel)).all() for name, kernel in named.items())
    if not agree or given.keys() - named.keys() or exponents[~found.free].any():
        raise QuantizationError("the factors of the equalisation would change what the network computes")
    for kernel in found.kernels:
        _scale(kernel, exponents)


def _given(given: Mapping[str, tuple[int, ...]], name: str, kernel: Kernel) -> Exponents:
    """The exponents of what a kernel writes; zeros where nothing is said of it."""
    return np.asarray(given.get(name, (0,) * len(kernel.writes)), np.int64)


def _scale(kernel: Kernel, exponents: Exponents) -> None:
    node, read, written = kernel.node, exponents[kernel.reads], -exponents[kernel.writes]
    if not (read.any() or written.any()):
        return
    weight = known.constant(node.inputs[1])
    scaled = kernel.scaled(weight, np.exp2(read), np.exp2(written)).astype(weight.dtype)
    give(node, 1, scaled)
    if len(node.inputs) > 2 and node.inputs[2] is not None:
        bias = known.constant(node.inputs[2])
        changed = (bias.reshape(-1) * np.exp2(written)).reshape(bias.shape).astype(bias.dtype)
        give(node, 2, changed)
        if not np.isfinite(changed).all():
            raise QuantizationError(f"{roles.where(node)} cannot be equalised: its bias becomes too large for float32")
    if not np.isfinite(scaled).all():
        raise QuantizationError(f"{roles.where(node)} cannot be equalised: its kernel becomes too large for float32")


class _Turn:
    """Equalises what one kernel writes, with all kernels that write or read the same classes."""

    def __init__(self, found: Classes, at: int) -> None:
        kernel = found.kernels[at]
        self._classes = np.unique(kernel.writes[found.free[kernel.writes]])
        self._around = [
            (one, _largest(one))
            for one in found.kernels
            if np.isin(one.writes, self._classes).any() or np.isin(one.reads, self._classes).any()
        ]

    def take(self, exponents: Exponents) -> bool:
        """Changes the exponents; returns whether one was."""
        written, read = np.zeros(len(exponents)), np.zeros(len(exponents))
        for kernel, largest in self._around:
            now = largest * np.exp2(exponents[kernel.reads].reshape(kernel.groups, 1, -1))
            now = now * np.exp2(-exponents[kernel.writes].reshape(kernel.groups, -1, 1))
            np.maximum.at(written, kernel.writes, now.max(2).reshape(-1))
            np.maximum.at(read, kernel.reads, now.max(1).reshape(-1))
        one, other = written[self._classes], read[self._classes]
        both = (one > 0) & (other > 0)
        more = np.rint(np.log2(np.where(both, one, 1.0) / np.where(both, other, 1.0)) / 2).astype(np.int64)
        wanted = (exponents[self._classes] + more).clip(-MOST, MOST)
        changed = bool((wanted != exponents[self._classes]).any())
        exponents[self._classes] = wanted
        return changed


def _largest(kernel: Kernel) -> npt.NDArray[np.float64]:
    """[groups, written channels of a group, read channels of a group]: the largest number of all taps."""
    weight = known.constant(kernel.node.inputs[1]).astype(np.float64)
    return np.asarray(np.abs(kernel.grouped(weight)).max(3), np.float64)
