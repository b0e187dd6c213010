"""`inspect`: a network at one stage of the pipeline, or a file as it is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ssc_deploy.errors import SscDeployError
from ssc_deploy.garbage import collected_rarely
from ssc_deploy.inspection.report import Inspection, Stage
from ssc_deploy.native import package

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ssc_deploy.metadata import Preprocessing
    from ssc_deploy.quantize.calibration import Progress
    from ssc_deploy.quantize.plan import Quantization
    from ssc_deploy.source.inputs import InputShape


_FILES = {".onnx", ".tflite"}


@collected_rarely()
def inspect(
    file: str | Path | None,
    *,
    stage: str | None = None,
    target: str = "onnxruntime",
    model: str | None = None,
    arch: str | None = None,
    args: Mapping[str, str] | None = None,
    input_shape: InputShape | None = None,
    weights: str | None = None,
    seed: int | None = None,
    preprocessing: Preprocessing | None = None,
    quantize: Quantization | None = None,
    progress: Progress | None = None,
) -> Inspection:
    """Looks at a network at one stage, or at a file as it is.

    Args:
        file: a checkpoint, an ``.onnx`` or a ``.tflite`` file; None for a network with random weights.
        stage: of `Stage`; default ``"file"`` for ``.onnx`` and ``.tflite``, ``"rewrite"`` for all others.
        target: of `lower.Target`, for the stage ``"lower"``.
        model: as for `ssc_deploy.export`, and ``arch``, ``args``, ``input_shape``, ``weights`` and ``seed`` with it.
        arch: see ``model``.
        args: see ``model``.
        input_shape: see ``model``.
        weights: see ``model``.
        seed: see ``model``.
        preprocessing: how an image becomes the input, for ``quantize``; in place of that of the source.
        quantize: quantise each block alone, and tell what it costs; `Inspection.sensitivity`.
        progress: of ``quantize``: is called with the blocks that are done, and how many there are.

    Raises:
        SscDeployError: the file cannot be read, a stage fails, or it has no such stage.
    """
    path = None if file is None else Path(file)
    suffix = path.suffix.lower() if path else ""
    if path is not None and package.is_package(path):
        raise SscDeployError(
            f"{file} is a C package, which inspect does not show yet; give the checkpoint with "
            '`stage="lower", target="native"`'
        )
    wanted = _stage(stage, Stage.FILE if suffix in _FILES else Stage.REWRITE)
    if quantize is not None and stage is not None:
        raise SscDeployError("`quantize` looks at the blocks of the canonical form; leave `stage` out")
    if quantize is not None:
        quantize.check_files()
    if quantize is None and path is not None and wanted is Stage.FILE and suffix in _FILES:
        from ssc_deploy.inspection import files

        return files.inspect(path)
    if quantize is None and wanted is Stage.FILE:
        raise SscDeployError("the stage file is for .onnx and .tflite files; leave `stage` out, or give another")
    if suffix == ".tflite":
        raise SscDeployError(f"{file} is the end of the way and has the stage file only; give the checkpoint instead")
    from ssc_deploy.inspection import stages
    from ssc_deploy.source import open_source

    source = open_source(
        path,
        model=model,
        arch=arch,
        args=args,
        input_shape=input_shape,
        weights=weights,
        seed=seed,
        preprocessing=preprocessing,
    )
    if quantize is not None:
        from ssc_deploy.inspection import quantized

        return quantized.inspect(source, quantize, progress)
    return stages.inspect(source, wanted, target)


def _stage(name: str | None, default: Stage) -> Stage:
    if name is not None and name not in set(Stage):
        raise SscDeployError(f"there is no stage {name!r}; choose one of {', '.join(Stage)}")
    return default if name is None else Stage(name)
