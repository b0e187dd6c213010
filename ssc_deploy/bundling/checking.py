"""Replays a bundle's golden set through each runtime, from the bundle alone. Imports neither torch nor onnxscript."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ssc_deploy import batches, pictures, runtimes
from ssc_deploy.bundling.exported import tensor
from ssc_deploy.bundling.opening import opened
from ssc_deploy.bundling.report import BlocksCheck, BundleReport, ModelCheck
from ssc_deploy.errors import BundleError, PictureError
from ssc_deploy.runtimes import saturation
from ssc_deploy.runtimes.onnxruntime import OnnxRuntime
from ssc_deploy.verification import Count, Tolerance
from ssc_deploy.verification.tolerance import error_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy.typing as npt

    from ssc_deploy.bundling.manifest import Debug, ModelEntry
    from ssc_deploy.bundling.manifest import Steps as SaidSteps
    from ssc_deploy.bundling.opening import Opened
    from ssc_deploy.runtimes import Runner, TensorSpec
    from ssc_deploy.runtimes.protocol import Steps

    Progress = Callable[[str, str], None]


def check_bundle(path: str | Path, *, progress: Progress | None = None) -> BundleReport:
    """Checks that a device may rely on a bundle.

    All hashes are checked; the images, preprocessed, must be the golden inputs bit for bit; and each file of the
    network, run by its runtime on them, must stay within the tolerance.

    Args:
        path: a folder or a ``.zip``.
        progress: is called with the name of each part and one line about it.

    Returns:
        the report. It is not ``ok`` if the bundle computes something else.

    Raises:
        BundleError: it cannot be opened, is damaged, or contradicts its own model.json.
        RuntimeLoadError: a runtime is missing, or refuses a file.
    """
    say = progress or (lambda _part, _line: None)
    with opened(Path(path)) as bundle:
        return _replayed(bundle, Path(path), say)


def _replayed(bundle: Opened, path: Path, say: Progress) -> BundleReport:
    manifest = bundle.manifest
    inputs, outputs = bundle.inputs(), bundle.outputs()
    misfits = tuple(_misfits(bundle, inputs))
    count = manifest.golden.count
    say("pictures", misfits[0] if misfits else f"{count} become the golden inputs, bit for bit")
    models = []
    for entry in manifest.models:
        models.append(_model(bundle, entry, inputs, outputs))
        say(entry.file, str(models[-1]))
    blocks = None
    if manifest.debug is not None:
        blocks = _blocks(bundle, manifest.debug, inputs[manifest.debug.picture][None])
        say(manifest.debug.model, str(blocks))
    size = sum(entry.bytes for entry in manifest.files.values())
    return BundleReport(path, manifest.name, size, count, misfits, tuple(models), blocks)


def _misfits(bundle: Opened, inputs: npt.NDArray[np.float32]) -> Iterator[str]:
    rule, pixels = bundle.manifest.preprocessing, bundle.pixels()
    preprocessing = rule.preprocessing
    for i, picture in enumerate(bundle.manifest.golden.pictures):
        try:
            read = pictures.read(
                bundle.folder / picture.file, rule.colour, (rule.height, rule.width), name=picture.file
            )
        except PictureError as error:
            raise BundleError(f"{error}; make the bundle again") from error
        if not np.array_equal(read, pixels[i]):
            yield f"{picture.file} is not image {i} of {bundle.manifest.golden.pixels}"
        elif pictures.preprocess([pixels[i]], preprocessing, "NCHW")[0].tobytes() != inputs[i].tobytes():
            yield f"{picture.file}, preprocessed, is not input {i} of {bundle.manifest.golden.inputs}"


def _model(
    bundle: Opened, entry: ModelEntry, inputs: npt.NDArray[np.float32], outputs: npt.NDArray[np.float64]
) -> ModelCheck:
    runner, title = _loaded(bundle.folder / entry.file)
    for kind, found, said in (("takes", runner.inputs, entry.input), ("returns", runner.outputs, entry.output)):
        if len(found) != 1 or None in found[0].shape or tensor(found[0]) != said:
            raise BundleError(
                f"{entry.file} {kind} {_listed(found)}, and model.json says {said.dtype} {said.name!r} "
                f"{list(said.shape)}{_steps(said.steps)}; make the bundle again"
            )
    values = batches.run(runner, inputs, layout=entry.layout)[0]
    best = Count(int((values.argmax(1) == outputs.argmax(1)).sum()), len(outputs))
    return ModelCheck(entry.file, title, error_of(values, outputs), bundle.manifest.golden.tolerance, best)


def _blocks(bundle: Opened, debug: Debug, x: npt.NDArray[np.float32]) -> BlocksCheck:
    """The blocks of the debug model, held to the bounds that the bundle gives each."""
    runner, _ = _loaded(bundle.folder / debug.model)
    expected = bundle.block_values()
    places = {spec.name: place for place, spec in enumerate(runner.outputs)}
    values = runner.run([x])
    wrong = []
    for entry, exact in zip(debug.blocks, expected, strict=True):
        place = places.get(entry.output)
        if place is None or values[place].shape != exact.shape or values[place].dtype != np.float32:
            raise BundleError(
                f"{debug.model} has no output {entry.output!r} of {list(exact.shape)}; make the bundle again"
            )
        error, bound = error_of(values[place], exact), Tolerance(entry.max, entry.rms, entry.axes)
        if any(exact.shape[axis.axis : axis.axis + 1] != (len(axis.max),) for axis in bound.axes):
            raise BundleError(f"the bounds of {entry.name} are not of its {list(exact.shape)}; make the bundle again")
        if not bound.allows(error):
            wrong.append(f"it leaves the network first in {entry.name}: {bound.compared(error)}")
    agree = len(expected) - len(wrong)
    return BlocksCheck(debug.model, len(expected), agree, wrong[0] if wrong else None)


def _loaded(path: Path) -> tuple[Runner, str]:
    runtime = runtimes.runtime_for(path)
    title = f"{runtime.title} {runtime.version}"
    if isinstance(runtime, OnnxRuntime) and saturation.affects(path, runtime.metadata(path)):
        # On the processors of phones its products do not saturate.
        return runtime.load(path, integers=False), f"{title} without its 8-bit products, which saturate here"
    return runtime.load(path), title


def _listed(specs: Sequence[TensorSpec]) -> str:
    said = (f"{spec.dtype} {spec.name!r} {list(spec.shape)}{_steps(spec.steps)}" for spec in specs)
    return ", ".join(said) or "nothing"


def _steps(steps: Steps | SaidSteps | None) -> str:
    return "" if steps is None else f" in steps of {steps.scale:g} around {steps.zero_point}"
