"""Values inside a file, as its runtime computes them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ssc_deploy import batches, runtimes

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from ssc_deploy.examples import Examples
    from ssc_deploy.verification.reference import Float32


def names(path: Path) -> set[str]:
    """The file's float32 activations without its inputs: a block may have the name of an input, but does not return it.

    Numbers without axes are left out, since they do not belong to an image.
    """
    tensors = runtimes.runtime_for(path).tensors(path)
    found = {name for name, spec in tensors.items() if spec.dtype == "float32" and spec.shape}
    return found - input_names(path)


def input_names(path: Path) -> set[str]:
    """The file's inputs."""
    return {spec.name for spec in runtimes.runtime_for(path).load(path).inputs}


def as_picture(value: Float32, shape: Sequence[int]) -> Float32:
    """The value as a feature map of ``shape`` [N, C, H, W], if it holds its planes: rank 3, with the same numbers."""
    planes = value.ndim == 3 and len(shape) == 4 and value.size == math.prod(shape)
    return value.reshape(tuple(shape)) if planes else value


class Opened:
    """A file whose intermediate values can be read. It is loaded once for any number of inputs.

    Args:
        path: the file.
        wanted: names of activations that it has; its inputs and outputs may be among them.
        batch: images at once, where the file takes any number.

    Raises:
        RuntimeLoadError: the file has no such tensor, or the runtime refuses it.
    """

    def __init__(self, path: Path, wanted: Collection[str], batch: int | None = None) -> None:
        runtime = runtimes.runtime_for(path)
        plain = runtime.load(path)
        self._layout, self._batch, self._wanted = runtime.image_layout, batch, frozenset(wanted)
        self._outputs = [spec.name for spec in plain.outputs]
        self._inputs = [spec.name for spec in plain.inputs]
        known = {*self._outputs, *self._inputs}
        self._taps = [name for name in dict.fromkeys(wanted) if name not in known]
        self._runner = runtime.load(path, taps=self._taps) if self._taps else plain

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the file's outputs."""
        return tuple(self._outputs)

    def values(self, x: Examples) -> dict[str, Float32]:
        """Runs the file and returns the wanted tensors.

        Returns:
            by name, those of rank 4 as [N, C, H, W]; the outputs always among them, and first.

        Raises:
            RuntimeLoadError: the runtime fails.
        """
        count = len(self._outputs)
        run = batches.run(self._runner, x, layout=self._layout, batch=self._batch, outputs=count)
        results = dict(zip((*self._outputs, *self._taps), run, strict=True))
        given = zip(self._inputs, x.arrays, strict=True)
        results.update((name, array) for name, array in given if name in self._wanted)
        return {name: value for name, value in results.items() if name in self._wanted or name in self._outputs}
