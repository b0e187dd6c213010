"""The golden set of a bundle: from the export's own, or from images and the network itself."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ssc_deploy import golden, pictures
from ssc_deploy.bundling.pixels import recovered
from ssc_deploy.card import GOLDEN_LABELS
from ssc_deploy.data import tree
from ssc_deploy.errors import BundleError, VerificationError
from ssc_deploy.examples import Examples
from ssc_deploy.metadata import COVER

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ssc_deploy.bundling.manifest import PictureRule
    from ssc_deploy.metadata import Preprocessing
    from ssc_deploy.verification import Reference
    from ssc_deploy.verification.tolerance import Tolerance

_OTHERWISE = 'name images with `pictures="FOLDER"`, and the network they are for with `ckpt="FILE"`'


@dataclass(frozen=True)
class GoldenPictures:
    """Images with what the network computes for them.

    Attributes:
        pixels: uint8 [N, H, W, C].
        inputs: float32 [N, C, H, W], what preprocessing makes of them.
        outputs: float64 [N, classes].
        names: of the images, all different, and possible as file names.
        labels: indices of their true classes; None if it is not known.
        tolerance: of an exported file's outputs, all together.
    """

    pixels: npt.NDArray[np.uint8]
    inputs: npt.NDArray[np.float32]
    outputs: npt.NDArray[np.float64]
    names: tuple[str, ...]
    labels: tuple[int | None, ...]
    tolerance: Tolerance


def of_export(beside: Path, preprocessing: Preprocessing) -> GoldenPictures:
    """The golden set that an export left.

    Args:
        beside: its file.
        preprocessing: of the exported files.

    Raises:
        RuntimeLoadError: the file cannot be read, or is not a golden set.
        BundleError: it holds too few images, or none at all.
    """
    if not beside.is_file():
        raise BundleError(f"{beside} is not there, which an export leaves beside its files; {_OTHERWISE}")
    found = golden.read(beside)
    inputs, outputs = found.inputs.arrays[0], found.outputs[0].values
    fits = inputs.ndim == 4 and inputs.dtype == np.float32 and inputs.shape[1] == preprocessing.channels
    pixels = recovered(inputs, preprocessing) if fits and len(found.inputs.arrays) == 1 else None
    if pixels is None:
        raise BundleError(f"the inputs in {beside} come from no images; {_OTHERWISE}")
    if len(pixels) < golden.PICTURES:
        raise BundleError(f"{beside} holds {len(pixels)} images, and a bundle needs {golden.PICTURES}; {_OTHERWISE}")
    if outputs.ndim != 2 or len(found.outputs) != 1:
        shapes = ", ".join(str(list(output.values.shape[1:])) for output in found.outputs)
        raise BundleError(f"{beside} holds outputs of shape {shapes}; a bundle is of classifiers")
    names = [one.name for one in found.pictures] or [f"picture-{i:02d}" for i in range(len(pixels))]
    labels = tuple(one.label for one in found.pictures) or (None,) * len(pixels)
    bounds = found.outputs[0].tolerance
    return GoldenPictures(pixels, inputs, outputs, _for_files(names), labels, bounds)


def of_pictures(
    folder: Path, rule: PictureRule, preprocessing: Preprocessing, labels: Sequence[str], reference: Reference
) -> GoldenPictures:
    """Images of a folder, with what the network computes for them; the tolerance follows as it does at an export.

    Args:
        folder: of images; their classes are in ``labels.csv`` there, in the form of a card's golden images, or are the
            names of the folders that hold them. Of more than 16, that many are taken, spread evenly.
        rule: how an image becomes the input.
        preprocessing: the same, as `ssc_deploy.pictures` takes it.
        labels: of the classes.
        reference: the network.

    Raises:
        BundleError: there are too few images, or a class is not among the labels.
        PictureError: one cannot be read, or has another size and may not be resized.
        VerificationError: no tolerance follows from the network on these images.
    """
    from ssc_deploy.verification.tolerance import own_error

    names = _picture_files(folder)
    if len(names) < golden.PICTURES:
        raise BundleError(f"{folder} holds {len(names)} images, and a bundle needs {golden.PICTURES}; put more there")
    chosen = [names[i * len(names) // golden.PICTURES] for i in range(golden.PICTURES)]
    size, resize = (rule.height, rule.width), rule.resize == COVER
    pixels = np.stack([pictures.read(folder / name, rule.colour, size, resize=resize) for name in chosen])
    inputs = pictures.preprocess(list(pixels), preprocessing, "NCHW")
    examples = Examples.of(inputs)
    outputs, *others = reference.outputs(examples)
    if outputs.ndim != 2 or others:
        shapes = ", ".join(str(list(output.shape[1:])) for output in (outputs, *others))
        raise BundleError(f"the network returns {shapes} for an image; a bundle is of classifiers")
    own = own_error(reference.float32_outputs(examples)[0], outputs)
    tolerance, objection = own.tolerance, own.objection()
    if tolerance is None or objection is not None:
        raise VerificationError(f"no bundle was made: the network itself {objection}")
    stems = _for_files([name.rpartition("/")[2].rpartition(".")[0] for name in chosen])
    classes = _classes(folder, chosen, labels)
    return GoldenPictures(pixels, inputs, outputs, stems, classes, tolerance)


def _picture_files(folder: Path) -> list[str]:
    """Images below a folder, by their paths in it, in the order of those."""
    if not folder.is_dir():
        raise BundleError(f"{folder} is not a folder; give one of images")
    with tree.Folder(folder) as files:
        _, names = files.names()
    shown = [name for name in names if not any(part.startswith(".") for part in name.split("/"))]
    return sorted(name for name in shown if name.lower().endswith(tuple(tree.SUFFIXES)))


def _classes(folder: Path, names: Sequence[str], labels: Sequence[str]) -> tuple[int | None, ...]:
    listed = folder / GOLDEN_LABELS
    known: dict[str, str] = {}
    if listed.is_file():
        try:
            with listed.open(newline="", encoding="utf-8-sig") as file:
                known = {str(row["file"]): str(row["label"]) for row in csv.DictReader(file)}
        except (OSError, UnicodeDecodeError, csv.Error, KeyError) as error:
            raise BundleError(
                f"{listed} cannot be read; it needs a header file,label and one line for each image"
            ) from error
    classes: list[int | None] = []
    for name in names:
        said = known.get(name)
        if said is not None and said not in labels:
            raise BundleError(f"{listed} says that {name} is of the class {said!r}, which the network does not have")
        parent = said if said is not None else name.rpartition("/")[0].rpartition("/")[2]
        if labels.count(parent) > 1:
            raise BundleError(
                f"{name} is of the class {parent!r}, and more than one class is called so; give the classes names of "
                "their own"
            )
        classes.append(list(labels).index(parent) if parent in labels else None)
    return tuple(classes)


def _for_files(names: Sequence[str]) -> tuple[str, ...]:
    """The names in letters that every file system knows, with a number where two would be the same."""
    plain = [re.sub(r"[^A-Za-z0-9_-]+", "-", name)[:100].strip("-") or "picture" for name in names]
    folded = [name.casefold() for name in plain]
    return tuple(
        name if folded.count(name.casefold()) == 1 else f"{name}-{index:02d}" for index, name in enumerate(plain)
    )
