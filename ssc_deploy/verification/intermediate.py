"""Values inside a file, as its runtime computes them."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING

from ssc_deploy import batches, output_of_graph, runtimes

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from ssc_deploy.examples import Examples
    from ssc_deploy.runtimes import Runner
    from ssc_deploy.verification.reference import Float32


def as_picture(value: Float32, shape: Sequence[int]) -> Float32:
    """The value as a feature map of ``shape`` [N, C, H, W], if it holds its planes: rank 3, with the same numbers."""
    planes = value.ndim == 3 and len(shape) == 4 and value.size == math.prod(shape)
    return value.reshape(tuple(shape)) if planes else value


class Inside:
    """What is inside a file. It is read and loaded once, whatever is asked.

    Args:
        path: an ``.onnx`` or ``.tflite`` file.
        runner: the file as its runtime has loaded it already.

    Raises:
        RuntimeLoadError: the runtime refuses the file.
    """

    def __init__(self, path: Path, runner: Runner | None = None) -> None:
        self.path, self.runtime = path, runtimes.runtime_for(path)
        self.runner = runner or self.runtime.load(path)

    @functools.cached_property
    def names(self) -> set[str]:
        """Of the float32 activations without the inputs: a block may have the name of an input, but is none.

        Numbers without axes are left out, since they do not belong to an image.
        """
        tensors = self.runtime.tensors(self.path)
        found = {name for name, spec in tensors.items() if spec.dtype == "float32" and spec.shape}
        return found - self.input_names

    @functools.cached_property
    def input_names(self) -> set[str]:
        """Of the inputs."""
        return {spec.name for spec in self.runner.inputs}

    @functools.cached_property
    def between_zero_and_one(self) -> frozenset[str]:
        """Names of tensors; see `output_of_graph`."""
        return output_of_graph.between_zero_and_one(self.path)


class Opened:
    """A file whose intermediate values can be read. It is loaded once for any number of inputs.

    Args:
        file: is loaded once more, where it does not return what is wanted.
        wanted: names of activations that it has; its inputs and outputs may be among them.
        batch: images at once, where the file takes any number.

    Raises:
        RuntimeLoadError: the file has no such tensor, or the runtime refuses it.
    """

    def __init__(self, file: Inside, wanted: Collection[str], batch: int | None = None) -> None:
        runtime, plain = file.runtime, file.runner
        self._layout, self._batch, self._wanted = runtime.image_layout, batch, frozenset(wanted)
        self._outputs = [spec.name for spec in plain.outputs]
        self._inputs = [spec.name for spec in plain.inputs]
        known = {*self._outputs, *self._inputs}
        self._taps = [name for name in dict.fromkeys(wanted) if name not in known]
        self._runner = runtime.load(file.path, taps=self._taps) if self._taps else plain

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
