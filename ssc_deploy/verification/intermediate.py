"""Values inside a file, as its runtime computes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssc_deploy import batches, runtimes

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from ssc_deploy.verification.reference import Float32


def names(path: Path) -> set[str]:
    """The file's float32 activations, but for its inputs: a block may have the name of one, and no block returns it."""
    runtime = runtimes.runtime_for(path)
    inputs = {spec.name for spec in runtime.load(path).inputs}
    tensors = runtime.tensors(path)
    return {name for name, spec in tensors.items() if spec.dtype == "float32" and name not in inputs}


def values(path: Path, wanted: Collection[str], x: Float32, batch: int | None = None) -> dict[str, Float32]:
    """Runs the file once and keeps what some of its tensors hold.

    Args:
        path: the file.
        wanted: names of activations that it has; its inputs and outputs may be among them.
        x: [N, C, H, W].
        batch: pictures at once, where the file takes any number.

    Returns:
        by name, those of rank 4 as [N, C, H, W]; the first output always among them.

    Raises:
        RuntimeLoadError: the file has no such tensor, or the runtime fails.
    """
    runtime = runtimes.runtime_for(path)
    plain = runtime.load(path)
    outputs = [spec.name for spec in plain.outputs]
    inputs = [spec.name for spec in plain.inputs]
    taps = [name for name in dict.fromkeys(wanted) if name not in outputs and name not in inputs]
    runner = runtime.load(path, taps=taps) if taps else plain
    results = dict(
        zip((*outputs, *taps), batches.run(runner, x, layout=runtime.image_layout, batch=batch), strict=True)
    )
    results.update((name, x) for name in inputs if name in wanted)
    return {name: value for name, value in results.items() if name in wanted or name == outputs[0]}
