"""The same network for images of other sizes, for a file whose height or width is open.

A file for any size is made from the graphs of two sizes (`emit.onnx_any_size`, `emit.tflite.any_size`), and runs at a
few more before it is written: larger and smaller, odd and even, not square. PyTorch decides which sizes there are: a
network with five halvings and skip connections takes multiples of 32.
"""

from __future__ import annotations

import contextlib
import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ssc_deploy.errors import LoweringError, NetworkError, RuntimeLoadError, VerificationError
from ssc_deploy.exporting import stages

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ssc_deploy.exporting.stages import Canonical
    from ssc_deploy.source import Source

#: Of the sizes that may be open: their axis in [N, C, H, W].
AXES = {"height": 2, "width": 3}

#: Distances of sizes whose multiples are tried, the first that PyTorch takes.
_STEPS = (1, 2, 4, 8, 16, 32, 64)

#: Height and width of the first of the other images, in pixels more than the network's own: at least so much that the
#: smallest feature maps differ in both, behind five halvings. Its graph is compared with the network's own.
_FIRST = (37, 66)

#: Those of the others, in steps. The last is smaller, and is left out where it is too small for the network.
_LARGER = ((1, 8), (4, 0))
_SMALLER = (-3, -2)

#: Examples at each size.
_EXAMPLES = 4


@dataclass(frozen=True)
class OtherSizes:
    """The network for images of other sizes.

    Attributes:
        sources: of it, one for each size; the first is captured as well.
        step: PyTorch takes the network's own sizes and multiples of this many pixels more.
        atol: see `verification.verify_file`.
        rtol: likewise.
    """

    sources: tuple[Source, ...]
    step: int
    atol: float | None
    rtol: float | None

    def canonical(self) -> Canonical:
        """The canonical graph of the first."""
        return stages.canonicalise(self.sources[0])

    def check(self, path: Path, name: str) -> None:
        """Compares a file with PyTorch at all of the sizes.

        Args:
            path: of the file.
            name: that it is going to have.

        Raises:
            VerificationError: it computes something else, or does not run.
        """
        from ssc_deploy.exporting.check import reference_of
        from ssc_deploy.verification import inputs, verify_file
        from ssc_deploy.verification.reference import Remembered

        for source in self.sources:
            examples = inputs.noise(source.signature, _EXAMPLES)
            reference = Remembered(reference_of(source))
            try:
                report = verify_file(path, reference, examples, atol=self.atol, rtol=self.rtol)
                wrong = None if report.ok else str(report)
            except RuntimeLoadError as error:
                wrong = str(error).rstrip(".")
            if wrong is not None:
                raise VerificationError(
                    f"{name} was not written: for images of {_size(source)}, {wrong}; leave `dynamic` out, and export "
                    "a file for each size that you need"
                )

    def __str__(self) -> str:
        sizes = ", ".join(map(_size, self.sources))
        steps = f"; PyTorch takes steps of {self.step} pixels" if self.step > 1 else ""
        return f"agrees with PyTorch float64 for images of {sizes} as well{steps}"


def check(dynamic: Sequence[str]) -> tuple[str, ...]:
    """The names of the sizes that are to be open, each once.

    Raises:
        LoweringError: one is unknown.
    """
    for name in dynamic:
        if name not in AXES:
            raise LoweringError(f"there is no size {name!r} of images; `dynamic` takes {' and '.join(AXES)}")
    return tuple(name for name in AXES if name in dynamic)


def others(source: Source, dynamic: Sequence[str], atol: float | None, rtol: float | None) -> OtherSizes:
    """The network at other sizes.

    Args:
        source: of the network.
        dynamic: names of `AXES`, at least one.
        atol: see `OtherSizes`.
        rtol: likewise.

    Raises:
        LoweringError: the network does not take one image, is a file, or takes images of its own size alone.
    """
    if source.signature.image is None:
        raise LoweringError(f"{source.name} does not take one image, and `dynamic` is for the height and width of one")
    if source.module is None:
        raise LoweringError(
            f"{source.path} is a graph of one size; `dynamic` needs the network in PyTorch, captured at two"
        )
    failure = ""
    for step in _STEPS:
        try:
            first = _at(source, dynamic, [-(-pixels // step) * step for pixels in _FIRST])
            found = [first, *(_at(source, dynamic, [step * count for count in counts]) for counts in _LARGER)]
        except NetworkError as error:
            failure = failure or str(error)
            continue
        with contextlib.suppress(NetworkError):
            found.append(_at(source, dynamic, [step * count for count in _SMALLER]))
        return OtherSizes(tuple(found), step, atol, rtol)
    raise LoweringError(
        f"{source.name} takes no images of other sizes, so its {' and '.join(dynamic)} cannot be dynamic: {failure}"
    )


def _at(source: Source, dynamic: Sequence[str], more: Sequence[int]) -> Source:
    """The network for images that have so many pixels more, or fewer, in height and width."""
    from ssc_deploy.source import trial

    assert source.module is not None  # checked by the caller
    (image,) = source.signature.inputs
    shape = list(image.shape)
    for name, pixels in zip(AXES, more, strict=True):
        shape[AXES[name]] += pixels if name in dynamic else 0
    if min(shape) < 1:
        raise NetworkError("there is nothing left of the image")
    given = [dataclasses.replace(image, shape=tuple(shape))]
    signature = trial.of_module(source.module, given, source.signature.names, batch=1)
    ranks = [[len(output.shape) for output in one.outputs] for one in (signature, source.signature)]
    if signature.names != source.signature.names or ranks[0] != ranks[1]:
        raise NetworkError(f"{source.name} returns something else for an image of {shape[2]}x{shape[3]}")
    return dataclasses.replace(source, signature=signature)


def _size(source: Source) -> str:
    return "x".join(map(str, source.input_shape[2:]))
