"""`bundle`: from an export to a folder or .zip that a device can run and check by itself."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import json
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ssc_deploy import golden
from ssc_deploy import labels as class_names
from ssc_deploy.bundling import blocks, exported, golden_set, limits
from ssc_deploy.bundling.checking import check_bundle
from ssc_deploy.bundling.manifest import (
    FILE_NAME,
    Debug,
    FileEntry,
    GoldenFiles,
    GoldenPicture,
    Manifest,
    PictureRule,
)
from ssc_deploy.errors import BundleError, OutputError, VerificationError
from ssc_deploy.metadata import COVER, NO_RESIZE
from ssc_deploy.storage import files, folders
from ssc_deploy.storage.digests import sha256_of
from ssc_deploy.storage.files import as_output_error

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy.typing as npt

    from ssc_deploy.bundling.exported import ExportedModel
    from ssc_deploy.bundling.golden_set import GoldenPictures
    from ssc_deploy.bundling.report import BundleReport
    from ssc_deploy.metadata import Preprocessing
    from ssc_deploy.source.inputs import InputShape
    from ssc_deploy.verification import Reference

    Progress = Callable[[str, str], None]

_PACKAGES = ("ssc-deploy", "numpy", "pillow")

#: Places in a bundle, of which model.json says the first three.
_PIXELS, _INPUTS, _OUTPUTS = "golden/pixels.npy", "golden/inputs.npy", "golden/outputs.npy"
_BLOCKS_MODEL, _BLOCKS_VALUES = "debug/blocks.onnx", "debug/blocks.npz"


@dataclasses.dataclass(frozen=True)
class _Network:
    """The network of the files, if the user names it."""

    ckpt: Path | None
    model: str | None
    arch: str | None
    args: Mapping[str, str] | None
    input_shape: InputShape | None
    weights: str | None
    seed: int | None

    @property
    def named(self) -> bool:
        return bool(self.ckpt or self.model or self.arch)

    def reference(self, models: Sequence[ExportedModel]) -> Reference:
        """The network in float64.

        Raises:
            BundleError: it is another than the files'.
        """
        from ssc_deploy.exporting.check import reference_of
        from ssc_deploy.source import open_source

        source = open_source(
            self.ckpt,
            model=self.model,
            arch=self.arch,
            args=self.args,
            input_shape=self.input_shape,
            weights=self.weights,
            seed=self.seed,
        )
        made_of = models[0].metadata
        if source.sha256 != made_of.source_sha256 or source.input_shape[1:] != made_of.input_shape[1:]:
            raise BundleError(
                f"{models[0].path.name} was not exported from {source.path or 'random weights'}, but from a "
                f"{made_of.source or 'network of random weights'} of another SHA-256; give that one"
            )
        return reference_of(source)


def bundle(
    export: str | Path,
    output: str | Path,
    *,
    zipped: bool | None = None,
    ckpt: str | Path | None = None,
    model: str | None = None,
    arch: str | None = None,
    args: Mapping[str, str] | None = None,
    input_shape: InputShape | None = None,
    weights: str | None = None,
    seed: int | None = None,
    pictures: str | Path | None = None,
    preprocessing: Preprocessing | None = None,
    labels: Sequence[str] | None = None,
    resize: bool = True,
    debug: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> BundleReport:
    """Makes a bundle of an export: its files, how to feed them, and golden images with the network's outputs.

    The bundle is written only if `check_bundle` finds it right. Otherwise what was there before stays.

    Args:
        export: folder of an export, or one of its files.
        output: folder or ``.zip`` to write.
        zipped: whether to write a zip; by default if ``output`` ends in ``.zip``.
        ckpt: the checkpoint that was exported; needed with ``pictures`` and ``debug``.
        model: see `export`.
        arch: see `export`.
        args: see `export`.
        input_shape: see `export`.
        weights: see `export`.
        seed: see `export`.
        pictures: folder of at least 16 images, in place of those that the export kept; their classes are in a
            ``labels.csv`` there, or are the names of the folders that hold them.
        preprocessing: how an image becomes the input, if the export does not say it.
        labels: of the classes in the order of the outputs, if the export does not say them; by default their numbers.
        resize: whether the device may bring images of another size to the network's; it never does where the export
            says that such images are refused.
        debug: add every block's values, so that a device can name the first that it computes wrong.
        overwrite: whether an existing bundle may be replaced.
        progress: is called with the name of each part and one line about it.

    Raises:
        BundleError: no bundle can be made of these files so.
        PreprocessingError: the preprocessing is not of the network's number of channels.
        LabelsError: there is not one label for each output.
        RuntimeLoadError: a runtime is missing, or refuses a file.
        OutputError: it exists already, or cannot be written.
        VerificationError: a file leaves its tolerance on the golden images; nothing was written.
        SscDeployError: the checkpoint or an image cannot be read.
    """
    output = Path(output)
    zipped = output.suffix.lower() == ".zip" if zipped is None else zipped
    network = _Network(None if ckpt is None else Path(ckpt), model, arch, args, input_shape, weights, seed)
    for wanted, name in ((pictures is not None, "`pictures`"), (debug, "`debug`")):
        if wanted and not network.named:
            raise BundleError(f'{name} runs the network itself; name it with `ckpt="FILE"`, as at the export')
    _check_place(output, zipped=zipped, overwrite=overwrite)
    models = exported.read(exported.find(Path(export)))
    chosen = preprocessing or models[0].metadata.preprocessing
    if chosen is None:
        raise BundleError(
            f"{models[0].path.name} does not say how an image becomes its input; give what it was trained with: "
            "`preprocessing=Preprocessing(mean=..., std=...)`"
        )
    rule = _rule(models[0], chosen, resize=resize)
    classes = models[0].entry.output.shape[1]
    given = models[0].metadata.labels if labels is None else class_names.checked(labels)
    class_names.check(given, classes, "what is given" if labels else models[0].path.name)
    named = given or tuple(str(index) for index in range(classes))
    reference = network.reference(models) if network.named else None
    if pictures is not None:
        assert reference is not None  # refused above
        found = golden_set.of_pictures(Path(pictures), rule, chosen, named, reference)
    else:
        found = golden_set.of_export(golden.path_beside(models[0].path), chosen)
    content = _Content(models, rule, named, found, reference if debug else None)
    say = progress or (lambda _part, _line: None)
    return _zip(content, output, overwrite, say) if zipped else _folder(content, output, overwrite, say)


@dataclasses.dataclass(frozen=True)
class _Content:
    """What goes into a bundle; blocks only where there is a reference for them."""

    models: tuple[ExportedModel, ...]
    rule: PictureRule
    labels: tuple[str, ...]
    golden: GoldenPictures
    reference: Reference | None


def _check_place(output: Path, *, zipped: bool, overwrite: bool) -> None:
    """Checked before the work; writing checks it again."""
    if not zipped:
        folders.check_place(output, overwrite=overwrite, is_ours=_is_bundle)
    elif output.is_dir() or (output.exists() and not overwrite):
        raise OutputError(f"{output} exists already; give `overwrite=True` to replace a file, or choose another name")


def _is_bundle(folder: Path) -> bool:
    return (folder / FILE_NAME).is_file() or not any(folder.iterdir())


def _rule(model: ExportedModel, preprocessing: Preprocessing, *, resize: bool) -> PictureRule:
    _, channels, height, width = model.metadata.input_shape  # of one image, as `exported` has looked
    preprocessing.require(channels, model.path.name)
    resizing = COVER if resize and preprocessing.resize != NO_RESIZE else NO_RESIZE
    return PictureRule(width, height, resizing, preprocessing.colour, preprocessing.mean, preprocessing.std)


def _folder(content: _Content, output: Path, overwrite: bool, say: Progress) -> BundleReport:
    with folders.whole(output, overwrite=overwrite, is_ours=_is_bundle) as folder:
        with as_output_error(output):
            _fill(folder, content)
        report = _checked(folder, output, say)
    say("bundle", f"{output}   {report.size / 1e6:.1f} MB")
    return report


def _zip(content: _Content, output: Path, overwrite: bool, say: Progress) -> BundleReport:
    with tempfile.TemporaryDirectory(prefix="ssc-deploy-") as name, files.together(overwrite=overwrite) as written:
        with as_output_error(Path(name)):
            folder = Path(name, "bundle")
            folder.mkdir()
            _fill(folder, content)
            packed = Path(name, "bundle.zip")
            _pack(folder, packed)
        report = _checked(written.add(output, packed.read_bytes()), output, say)
    say("bundle", f"{output}   {output.stat().st_size / 1e6:.1f} MB")
    return report


def _checked(written: Path, output: Path, say: Progress) -> BundleReport:
    report = dataclasses.replace(check_bundle(written, progress=say), path=output)
    if not report.ok:
        raise VerificationError(f"{output} was not written: {'; '.join(report.failures)}")
    return report


def _fill(folder: Path, content: _Content) -> None:
    """Writes all files, model.json with their hashes last."""
    found = content.golden
    for below in ("golden", *(["debug"] if content.reference is not None else [])):
        (folder / below).mkdir()
    for model in content.models:
        (folder / model.entry.file).write_bytes(model.path.read_bytes())
    for name, array in ((_PIXELS, found.pixels), (_INPUTS, found.inputs), (_OUTPUTS, found.outputs)):
        np.save(folder / name, np.ascontiguousarray(array), allow_pickle=False)
    shown = [_png(folder, name, pixels, content.rule) for name, pixels in zip(found.names, found.pixels, strict=True)]
    debug = None if content.reference is None else _debug(folder, content, content.reference)
    named = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    made_of = content.models[0].metadata
    manifest = Manifest(
        name=made_of.network,
        source_sha256=made_of.source_sha256,
        made_by={**made_of.versions, **{package: importlib.metadata.version(package) for package in _PACKAGES}},
        models=tuple(model.entry for model in content.models),
        preprocessing=content.rule,
        labels=content.labels,
        golden=GoldenFiles(
            count=len(shown),
            pixels=_PIXELS,
            inputs=_INPUTS,
            outputs=_OUTPUTS,
            pictures=tuple(GoldenPicture(name, label) for name, label in zip(shown, found.labels, strict=True)),
            tolerance=found.tolerance,
        ),
        debug=debug,
        output_kind=content.models[0].output_kind,
        files={name: FileEntry(sha256_of(folder / name), (folder / name).stat().st_size) for name in named},
    )
    text = json.dumps(manifest.to_dict(), indent=2, ensure_ascii=False, allow_nan=False)
    try:
        Manifest.from_dict(json.loads(text))
    except ValueError as error:
        raise BundleError(f"no bundle can be made of this, since of its {FILE_NAME}, {error}") from error
    if (excess := limits.excess(manifest)) is not None:
        raise BundleError(f"a bundle of this would be too large for a device: {excess}")
    (folder / FILE_NAME).write_text(text + "\n", encoding="utf-8")


def _png(folder: Path, name: str, pixels: npt.NDArray[np.uint8], rule: PictureRule) -> str:
    """Writes an image, and returns where."""
    from PIL import Image

    shown = pixels[..., 0] if rule.colour == "L" else pixels[..., ::-1] if rule.colour == "BGR" else pixels
    place = f"golden/{name}.png"
    Image.fromarray(np.ascontiguousarray(shown)).save(folder / place, "PNG")
    return place


def _debug(folder: Path, content: _Content, reference: Reference) -> Debug:
    onnx = next((model for model in content.models if model.entry.format == "onnx"), None)
    if onnx is None:
        raise BundleError("the blocks of a debug bundle are outputs of an .onnx file; export with `to='onnx'` as well")
    if onnx.metadata.quantization is not None and onnx.metadata.quantization.grids:
        raise BundleError(
            f"{onnx.path.name} computes in integers, and the blocks of a debug bundle are held to float32; leave out "
            "`debug`, or bundle the float32 files"
        )
    picture = 0
    found = blocks.tapped(onnx.path, reference, content.golden.inputs[picture][None])
    (folder / _BLOCKS_MODEL).write_bytes(found.model)
    arrays = {f"block.{i}": value for i, value in enumerate(found.values)}
    np.savez_compressed(folder / _BLOCKS_VALUES, allow_pickle=False, **arrays)
    return Debug(_BLOCKS_MODEL, picture, _BLOCKS_VALUES, found.entries)


def _pack(folder: Path, target: Path) -> None:
    """All files at the root of a zip, model.json first, without the time of day."""
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    names.sort(key=lambda name: name != FILE_NAME)
    with zipfile.ZipFile(target, "w") as archive:
        for name in names:
            entry = zipfile.ZipInfo(name)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, (folder / name).read_bytes(), zipfile.ZIP_DEFLATED)
