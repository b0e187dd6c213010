"""Every network of the zoo as int8 files: what `benchmarks.zoo` does with ``--quantize int8``.

Each network has the seeded weights and the statistics of `benchmarks.networks.settled_calm`; the grids follow from real
images, by ``--calibration``. ``ssc-deploy export --quantize int8`` proves every integer of both files. Weights that
nobody trained have no accuracy, so what the table tells is the noise of the outputs.
"""

from __future__ import annotations

import itertools
import json
import statistics
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import measuring, pages
from benchmarks.export_cost import CLI, cost

if TYPE_CHECKING:
    from collections.abc import Mapping

_PLACE = "benchmarks.zoo: int8"

_WRITE = "import sys; from benchmarks.networks import settled_calm; settled_calm(*sys.argv[1:])"
_IMAGES = "import sys; from benchmarks.zoo_int8 import write_images; write_images(*sys.argv[1:])"

#: Images that the ranges follow from. 224 x 224 of them are 154 MB.
IMAGES = 256


@dataclass(frozen=True)
class File:
    """An int8 file.

    Attributes:
        ok: whether it was verified.
        sqnr: of the output, in decibels.
        worst: the value with the least signal to noise, and its decibels.
        values: whose integers were compared.
        numbers: integers that were compared.
        turned: of these, the second-nearest ones, at a tie.
        size: in bytes.
        to_float32: that size as a share of the float32 file's.
    """

    ok: bool
    sqnr: float
    worst: tuple[str, float]
    values: int
    numbers: int
    turned: int
    size: int
    to_float32: float


@dataclass(frozen=True)
class Quantized:
    """A network's int8 files.

    Attributes:
        network: its title.
        architecture: its family.
        parameters: numbers that were trained.
        size: height and width of the images.
        files: by format; empty if the export failed.
        failed: why; empty if it did not.
        cpu_seconds: of the export, verification included.
    """

    network: str
    architecture: str
    parameters: int
    size: int
    files: dict[str, File]
    failed: str
    cpu_seconds: float

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> Quantized:
        """Reads what `dataclasses.asdict` gives."""
        files = {form: File(**{**file, "worst": tuple(file["worst"])}) for form, file in raw["files"].items()}
        return cls(**{**raw, "files": files})


def exported(name: str, arguments: tuple[str, ...], size: int, folder: Path, calibration: Path) -> Quantized:
    """Writes a network's checkpoint, exports it in float32 and in int8, and reads what the export says.

    Args:
        name: of `ssc_deploy.nets.NAMED`, or an architecture.
        arguments: of the network, ``NAME=VALUE``.
        size: height and width of the images.
        folder: for the files.
        calibration: images, see `write_images`.

    Raises:
        RuntimeError: the network cannot be made, or not exported in float32.
    """
    checkpoint, described, images = folder / "net.pt", folder / "net.json", folder / "images.npy"
    cost([sys.executable, "-c", _WRITE, name, str(size), str(checkpoint), *arguments], described)
    cost([sys.executable, "-c", _IMAGES, str(calibration), str(size), str(images)])
    known = json.loads(described.read_text())
    command = [sys.executable, "-c", CLI, "export", "--ckpt", str(checkpoint), "--to", "onnx", "--to", "tflite"]
    command += ["--output", str(folder), "--input-shape", f"1,3,{size},{size}", "--format", "json"]
    plain, quantized = folder / "plain.json", folder / "int8.json"
    cost(command, plain)
    sizes = {file["format"]: file["size"] for file in json.loads(plain.read_text())["files"]}
    try:
        spent = cost([*command, "--quantize", "int8", "--calibration", str(images), "--images", str(IMAGES)], quantized)
    except RuntimeError as error:
        reason = str(error).strip().rpartition("error: ")[2]
        return Quantized(**known, size=size, files={}, failed=reason, cpu_seconds=0.0)
    files = {file["format"]: _file(file, sizes[file["format"]]) for file in json.loads(quantized.read_text())["files"]}
    return Quantized(**known, size=size, files=files, failed="", cpu_seconds=round(spent.cpu, 1))


def write_images(calibration: str, size: str, path: str) -> None:
    """Writes `IMAGES` images of a data set, spread over its classes, as the inputs of the networks.

    Args:
        calibration: what ``ssc-deploy train`` reads, or images without classes.
        size: height and width; they are resized to it.
        path: of the ``.npy`` file.
    """
    import dataclasses

    import numpy as np

    from benchmarks.networks import MODEL
    from ssc_deploy import card
    from ssc_deploy.metadata import COVER
    from ssc_deploy.quantize import calibration_data
    from ssc_deploy.signature import of_image

    rule = card.read(MODEL / card.FILE_NAME).preprocessing
    assert rule is not None  # the card of a model that ships
    data = calibration_data.open_data(
        Path(calibration),
        of_image((1, 3, int(size), int(size))),
        preprocessing=dataclasses.replace(rule, resize=COVER),
        images=IMAGES,
        held_out=0,
    )
    np.save(path, data.inputs.arrays[0])


def _file(raw: dict[str, Any], float32: int) -> File:
    proof = raw["verification"]
    return File(
        ok=proof["ok"],
        sqnr=round(proof["output"]["decibels"], 2),
        worst=(proof["worst"]["name"], round(proof["worst"]["decibels"], 2)),
        values=proof["integers"]["values"],
        numbers=proof["integers"]["numbers"],
        turned=proof["integers"]["turned"],
        size=raw["size"],
        to_float32=round(raw["size"] / float32, 4),
    )


def line(title: str, found: Quantized) -> str:
    """What is printed of a network."""
    if found.failed:
        return f"{title:40} failed: {found.failed.splitlines()[0]}"
    parts = [f"{form} {file.sqnr:5.1f} dB, {file.to_float32:.3f} of the bytes" for form, file in found.files.items()]
    return f"{title:40} {found.cpu_seconds:6.1f} s CPU   {'   '.join(parts)}"


def table(measured: Mapping[str, Quantized]) -> str:
    """A line an architecture, in Markdown."""
    head = "| architecture | networks | verified files | SQNR of the output, dB | bytes / float32: .onnx | .tflite |"
    lines = [head, "|---|---:|---:|---:|---:|---:|"]
    by_architecture = sorted(measured.values(), key=lambda found: found.architecture)
    for architecture, several in itertools.groupby(by_architecture, key=lambda found: found.architecture):
        group = list(several)
        files = [file for found in group for file in found.files.values()]
        right = f"{sum(file.ok for file in files)} of {2 * len(group)}"
        noise = sorted(file.sqnr for file in files)
        spread = f"{noise[0]:.1f} to {noise[-1]:.1f}" if noise else ""
        sizes = [[found.files[form].to_float32 for found in group if found.files] for form in ("onnx", "tflite")]
        cells = [f"{statistics.median(shares):.2f}" if shares else "" for shares in sizes]
        lines.append(f"| {architecture} | {len(group)} | {right} | {spread} | {' | '.join(cells)} |")
    return "\n".join(lines)


def inserted(text: str, measured: Mapping[str, Quantized]) -> str:
    """The Markdown text with the table between its markers made anew."""
    return pages.inserted(text, _PLACE, table(measured))


def read(path: Path) -> dict[str, Quantized]:
    """The networks in a file of results, by title."""
    return {title: Quantized.from_dict(raw) for title, raw in json.loads(path.read_text())["networks"].items()}


def write(path: Path | None, networks: dict[str, Any]) -> None:
    """Writes a file of results."""
    measuring.write(path, "zoo_int8", {"images": IMAGES, "networks": networks})
