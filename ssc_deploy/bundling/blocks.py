"""Additional content of a debug bundle: the network with every block as an output, and the blocks in float64."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ssc_deploy import runtimes
from ssc_deploy.bundling import limits
from ssc_deploy.bundling.manifest import BlockEntry
from ssc_deploy.errors import BundleError
from ssc_deploy.examples import Examples
from ssc_deploy.verification import intermediate
from ssc_deploy.verification.tolerance import own_error

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt

    from ssc_deploy.verification import Reference
    from ssc_deploy.verification.reference import Float32, Float64


@dataclass(frozen=True)
class Blocks:
    """The content of a bundle's debug folder.

    Attributes:
        model: an ``.onnx`` file.
        values: float64, one for each block, of the shape that the file's output has.
        entries: one for each block, in order of execution.
    """

    model: bytes
    values: tuple[npt.NDArray[np.float64], ...]
    entries: tuple[BlockEntry, ...]


def tapped(path: Path, reference: Reference, x: Float32) -> Blocks:
    """Every block that an ``.onnx`` file names, as an output of it, with what the network computes there.

    Args:
        path: the file, which takes one image.
        reference: the network.
        x: [1, C, H, W], the image.

    Raises:
        BundleError: the file names no block of the network, or they are too large for a phone.
        RuntimeLoadError: the runtime refuses the file.
    """
    runtime = runtimes.runtime_for(path)
    inside = intermediate.Inside(path)
    plain = inside.runner
    outputs = {spec.name for spec in plain.outputs}
    example = Examples.of(x)
    named = inside.names & {*reference.block_names(example)}
    taps = sorted(named - outputs)
    model = _renamed(runtime.tapped(path, taps), taps)
    runner = runtime.load(model)
    values = dict(zip((spec.name for spec in runner.outputs), runner.run([x]), strict=True))
    holders = {name: name if name in outputs else _holder(name) for name in named}
    holders[reference.names[0]] = plain.outputs[0].name  # the first output is the network's, whatever its name is
    own = reference.float32_blocks(example, holders)
    found: list[tuple[BlockEntry, Float64]] = []

    def visit(name: str, exact: Float64) -> None:
        float32, value = own.pop(name, None), values[holders[name]]
        fits = intermediate.as_picture(value, exact.shape).shape == exact.shape
        if float32 is None or float32.shape != exact.shape or not fits:
            return
        bound = own_error(float32, exact).tolerance
        if bound is not None:
            found.append(
                (BlockEntry(name, holders[name], bound.max, bound.rms, bound.axes), exact.reshape(value.shape).copy())
            )
        most = limits.MOST_BLOCK_VALUES
        if sum(_file_bytes(exact) for _, exact in found) > most:
            raise BundleError(f"the blocks of one image take more than {most:,} bytes; leave out `debug`")

    reference.visit_blocks(example, frozenset(holders), visit)
    if not found:
        raise BundleError(f"{path.name} names no block of the network; leave out `debug`")
    entries, exacts = zip(*found, strict=True)
    return Blocks(model, exacts, entries)


def _file_bytes(array: Float64) -> int:
    """Bytes of an array's .npy file, which is what readers count: the header, and the values."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, np.lib.format.header_data_from_array_1_0(array))
    return len(header.getvalue()) + array.nbytes


def _holder(name: str) -> str:
    """The output that holds a block's value."""
    return f"{name}/value"


def _renamed(model: bytes, taps: Sequence[str]) -> bytes:
    """The file with outputs for its taps, the last ones, with the names that runtimes see."""
    import onnx
    import onnx_ir as ir

    graph = ir.from_proto(onnx.ModelProto.FromString(model))
    for name, value in zip(reversed(taps), reversed(graph.graph.outputs), strict=False):
        value.name = _holder(name)
    serialised: bytes = ir.to_proto(graph).SerializeToString()
    return serialised
