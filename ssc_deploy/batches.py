"""Running any number of pictures [N, C, H, W] through a file, whatever layout and batch size the file is fixed to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ssc_deploy.errors import RuntimeLoadError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ssc_deploy.runtimes import Runner

Float32 = npt.NDArray[np.float32]

#: Pictures that go through a file of dynamic batch at once.
AT_ONCE = 16


def split(x: Float32, batch: int | None) -> Iterator[tuple[Float32, int]]:
    """Cuts ``x`` along its first axis into batches for a network that is fixed to ``batch``.

    Yields:
        a batch, and how many of its pictures are ours: the last one is filled up with copies of its last picture.
        Where ``batch`` is None, up to `AT_ONCE` pictures, never filled up.
    """
    size = batch or AT_ONCE
    for start in range(0, len(x), size):
        chunk = x[start : start + size]
        used = len(chunk)
        if batch is not None and used < batch:
            chunk = np.concatenate([chunk, np.repeat(chunk[-1:], batch - used, axis=0)])
        yield np.ascontiguousarray(chunk), used


def run(runner: Runner, x: Float32, *, layout: str = "NCHW", batch: int | None = None) -> list[npt.NDArray[np.float32]]:
    """Runs all pictures, batch by batch.

    Args:
        runner: of a file with one picture input.
        x: [N, C, H, W], N > 0.
        layout: of the file, ``"NCHW"`` or ``"NHWC"``.
        batch: pictures at once, where the file takes any number.

    Returns:
        the outputs, each [N, ...]; those of rank 4 as [N, C, H, W].

    Raises:
        RuntimeLoadError: the runtime fails, or the first output has not one row for each picture.
    """
    fixed = runner.inputs[0].shape[0]
    results = []
    for chunk, used in split(x, fixed or batch):
        outputs = runner.run([np.ascontiguousarray(chunk.transpose(0, 2, 3, 1)) if layout == "NHWC" else chunk])
        # Other outputs may be values inside the file, of any shape.
        if outputs[0].shape[:1] != (len(chunk),):
            raise RuntimeLoadError(
                f"the file returns {list(outputs[0].shape)} for a batch of {len(chunk)}; "
                "its output must have a row for each picture"
            )
        outputs = [channels_first(output, layout) for output in outputs]
        # An output that holds planes has no axis for the batch; files with such take one picture at a time.
        results.append(outputs if used == len(chunk) else [output[:used] for output in outputs])
    return [np.concatenate(parts) for parts in zip(*results, strict=True)]


def channels_first(value: npt.NDArray[np.float32], layout: str) -> npt.NDArray[np.float32]:
    """A value of a file as [N, C, H, W] where it is of rank 4, else as it is."""
    return value.transpose(0, 3, 1, 2) if layout == "NHWC" and value.ndim == 4 else value
