"""The files of an export, as a bundle takes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ssc_deploy import batches, output_of_graph, runtimes
from ssc_deploy.bundling.manifest import SUFFIXES, ModelEntry, Steps, Tensor
from ssc_deploy.errors import BundleError
from ssc_deploy.native import package

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ssc_deploy.metadata import ModelMetadata
    from ssc_deploy.runtimes import Runner, TensorSpec

_PACKAGES = {"onnx": "onnxruntime", "tflite": "ai-edge-litert"}


@dataclass(frozen=True)
class ExportedModel:
    """An exported file, ready to be bundled.

    Attributes:
        path: of the file.
        metadata: what it says about itself.
        entry: what model.json is to say about it.
        output_kind: what its outputs mean.
    """

    path: Path
    metadata: ModelMetadata
    entry: ModelEntry
    output_kind: str


def find(export: Path) -> list[Path]:
    """The files of one network in a folder, ``.onnx`` first; or the file that is named.

    Raises:
        BundleError: there are none, or there are several networks.
    """
    if export.is_file():
        return [export]
    if not export.is_dir():
        raise BundleError(f"{export} is not there; give the folder of an export, or one of its files")
    files = sorted(
        (p for p in export.iterdir() if p.suffix.lower() in SUFFIXES.values() and p.is_file()),
        key=lambda p: p.suffix.lower(),
    )
    if package.is_package(export):
        raise BundleError(f"{export} is a C package, which the app cannot run yet; give an .onnx or .tflite file")
    if not files:
        raise BundleError(f"{export} holds no .onnx and no .tflite file; export there first, or give another folder")
    stems = sorted({path.stem for path in files})
    if len(stems) > 1:
        raise BundleError(f"{export} holds several networks ({', '.join(stems)}); give the file of one of them")
    return files


def read(paths: Sequence[Path]) -> tuple[ExportedModel, ...]:
    """Loads the files of one network.

    Raises:
        RuntimeLoadError: a runtime is missing, or refuses a file.
        BundleError: a file was not exported by ssc-deploy, is not a classifier of one image, or of another checkpoint
            than the others.
    """
    models = tuple(_read(path) for path in paths)
    first = models[0].metadata
    for model in models[1:]:
        said = model.metadata
        if (said.source_sha256, said.labels, said.preprocessing) != (
            first.source_sha256,
            first.labels,
            first.preprocessing,
        ):
            raise BundleError(
                f"{model.path.name} and {models[0].path.name} are not of one export; export both formats again with "
                '`to=("onnx", "tflite"), overwrite=True`'
            )
    return models


def _read(path: Path) -> ExportedModel:
    runtime = runtimes.runtime_for(path)
    runner, metadata = runtime.load(path), runtime.metadata(path)
    if metadata is None:
        raise BundleError(f"{path.name} does not say where it comes from; export it with this version of ssc-deploy")
    if len(runner.inputs) != 1:
        raise BundleError(f"{path.name} takes {len(runner.inputs)} tensors; a bundle is of classifiers of one image")
    if len(runner.outputs) != 1:
        names = ", ".join(spec.name for spec in runner.outputs)
        raise BundleError(
            f"{path.name} returns several tensors ({names}), and the app shows one list of classes; export it with "
            "`outputs`, the name of that one"
        )
    taken, returned = runner.inputs[0], runner.outputs[0]
    if taken.shape[:1] != (1,) or None in taken.shape or len(taken.shape) != 4:
        raise BundleError(
            f"{path.name} takes {_shape(taken)}, and a phone one image of a fixed size at a time; "
            "export it with `batch=1`"
        )
    if returned.shape[:1] != (1,) or len(returned.shape) != 2 or None in returned.shape:
        raise BundleError(
            f"{path.name} returns {_shape(returned)}; a bundle is of classifiers, which return [1, classes]"
        )
    if not (batches.takes_real(taken) and batches.takes_real(returned)):
        raise BundleError(
            f"{path.name} takes {taken.dtype} and returns {returned.dtype}, which stand for no real numbers; the app "
            "runs files of float32, and of integers with a scale"
        )
    form = path.suffix.lower().removeprefix(".")
    entry = ModelEntry(
        file=f"model.{form}",
        format=form,
        layout=runtime.image_layout,
        input=tensor(taken),
        output=tensor(returned),
        lowering=dict(metadata.lowering),
        runtimes={_PACKAGES[form]: runtime.version},
    )
    return ExportedModel(path, metadata, entry, _output_kind(path, runner, runtime.image_layout, metadata))


def _output_kind(path: Path, runner: Runner, layout: str, metadata: ModelMetadata) -> str:
    """As the file says it, or, of an older version's file, as its graph does."""
    if metadata.output is not None:
        return metadata.output.kind
    _, *shape = metadata.input_shape
    return output_of_graph.of_file(path, lambda x: batches.run(runner, x, layout=layout)[0], tuple(shape)).kind


def tensor(spec: TensorSpec) -> Tensor:
    """What model.json says of a tensor of a file that takes one image."""
    steps = None if spec.steps is None else Steps(spec.steps.scale, spec.steps.zero_point)
    return Tensor(spec.name, tuple(size or 1 for size in spec.shape), spec.dtype, steps)


def _shape(spec: TensorSpec) -> str:
    return f"[{', '.join('any' if size is None else str(size) for size in spec.shape)}]"
