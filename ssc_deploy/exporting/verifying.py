"""`verify`: compares an exported file with the network that it was made from."""

from __future__ import annotations

import dataclasses
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from ssc_deploy import extras, runtimes
from ssc_deploy.errors import CaptureError, QuantizationError, parameter
from ssc_deploy.exporting import quantizing, stages
from ssc_deploy.exporting.check import Check
from ssc_deploy.garbage import collected_rarely

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ssc_deploy.metadata import ModelMetadata, Preprocessing
    from ssc_deploy.source import Source
    from ssc_deploy.source.inputs import InputShape
    from ssc_deploy.source.opening import Checkpoints
    from ssc_deploy.verification import VerifyReport
    from ssc_deploy.verification.quantized import QuantizedReport


@collected_rarely()
def verify(
    ckpt: Checkpoints,
    against: str | Path,
    *,
    model: str | object | None = None,
    arch: str | None = None,
    args: Mapping[str, str] | None = None,
    input_shape: InputShape | None = None,
    example_inputs: object = None,
    outputs: Sequence[str] = (),
    weights: str | None = None,
    seed: int | None = None,
    atol: float | None = None,
    rtol: float | None = None,
    preprocessing: Preprocessing | None = None,
    accuracy: str | Path | None = None,
    max_drop: float | None = 1.0,
) -> VerifyReport | QuantizedReport:
    """Compares an exported file, as its runtime runs it, with the network it was made from.

    Args:
        ckpt: see `export`.
        against: the ``.onnx`` or ``.tflite`` file.
        model: see `export`.
        arch: see `export`.
        args: see `export`.
        input_shape: see `export`.
        example_inputs: see `export`.
        outputs: see `export`.
        weights: see `export`.
        seed: see `export`.
        atol: see `export`.
        rtol: see `export`.
        preprocessing: how an image becomes the input, in place of that of the source.
        accuracy: of a quantised file: images of known classes on which its accuracy is compared with the network's.
        max_drop: points of top-1 accuracy, in percent, that may be lost; None for any.

    Returns:
        the report. If the file is wrong, the report is not ``ok``, and names the first block that diverges. Of a file
        that is quantised it is a `QuantizedReport`: of this program's files each integer is proved again; of others it
        tells the noise of the output, whether the best class stays, and the accuracy.

    Raises:
        SscDeployError: the checkpoint or the file cannot be read.
    """
    extras.require("export")

    from ssc_deploy.source import open_source

    if max_drop is not None and not 0 <= max_drop <= 100:
        raise QuantizationError(f"a drop of {max_drop} points is impossible; give 0 to 100")
    if accuracy is not None and not Path(accuracy).exists():
        raise QuantizationError(f"{accuracy}: there is no such file or folder; give images with `accuracy`")
    file = Path(against)
    about = runtimes.runtime_for(file).metadata(file)  # one that is no such file is refused before the work
    source = open_source(
        ckpt,
        model=model,
        arch=arch,
        args=args,
        input_shape=input_shape,
        example_inputs=example_inputs,
        outputs=outputs,
        batch=about.input_shape[0] if about and about.inputs else 1,
        weights=weights,
        seed=seed,
        preprocessing=preprocessing,
    )
    _warn_of_others(file, about, source)
    canonical = None
    try:
        canonical = stages.canonicalise(source)
    except CaptureError as error:
        # Another program may have exported what cannot be exported here.
        warnings.warn(f"the movements are not checked: {error}", stacklevel=2)
    checked = Check(source, None if canonical is None else canonical.model, atol, rtol)
    quantized = quantizing.is_quantized(file, about)
    if accuracy is not None and not (quantized and atol is None and rtol is None):
        raise QuantizationError(
            f"`accuracy` is for quantised files without a tolerance of the user, and {file.name} is compared number by "
            "number; leave it out"
        )
    if quantized and atol is None and rtol is None:
        labelled = None if accuracy is None else quantizing.labelled_images(source, accuracy)
        described = None if about is None else about.quantization
        prepared = (
            None if canonical is None or described is None else quantizing.prepared_as_described(canonical, described)
        )
        if prepared is not None:
            prepared = dataclasses.replace(prepared, labelled=labelled)
            return quantizing.QuantizedCheck(checked, prepared, max_drop)(file)
        graph = None if canonical is None else canonical.model
        return quantizing.against_network(file, checked, graph, labelled, max_drop)
    report = checked(file)
    taken = stages.weights_of(source)
    return dataclasses.replace(report, weights=str(taken) if taken is not None and taken.entry else None)


def _warn_of_others(file: Path, about: ModelMetadata | None, source: Source) -> None:
    """Warns if a file says that it holds other weights of the checkpoint than those it is compared with."""
    taken = stages.weights_of(source)
    held = None if about is None or about.source_sha256 != source.sha256 else about.weights
    if held is not None and taken is not None and held.entry != taken.entry:
        warnings.warn(
            f"{file.name} says that it holds the {held}, and is compared with the {taken}; give "
            f"{parameter('weights', held.entry or '.')} to compare it with those",
            stacklevel=4,
        )
