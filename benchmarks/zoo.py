"""Every network of the paper, exported to both formats and verified; and what that costs in memory.

    python -m benchmarks.zoo [--net NAME ...] [--json FILE] [--tables FILE ...]
    python -m benchmarks.zoo --quantize int8 [--calibration DATA] ...

Each network gets seeded weights and the BatchNorm statistics that it has on real pictures (those of
``models/ssc-net-1-9/golden``), is written as a checkpoint, and exported by ``ssc-deploy export --to onnx --to tflite``
in a fresh process of one thread, which verifies each file against the network in float64. Besides the networks of
`ssc_deploy.nets.NAMED` with 10 classes these are the largest with 1000: SSC-Net-4-18 at 32x32, MobileNetV2 at 224x224.
Memory is the largest resident set of that process and of those that it starts.

With ``--json``, networks that the file already holds are kept and those of ``--net`` replaced. With ``--tables``, what
the file holds is written between the markers of these Markdown files, and nothing is measured:
``python -m benchmarks.zoo --json benchmarks/results/zoo.json --tables README.md models/README.md``.
With ``--quantize int8`` the files are int8: see `benchmarks.zoo_int8`.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import measuring, pages, zoo_int8
from benchmarks.export_cost import CLI, cost

if TYPE_CHECKING:
    from collections.abc import Iterable

#: What one export may take: the largest networks on a machine that has little.
MEMORY_TARGET_MB = 2000.0

#: Images that are at hand in the tree.
_GOLDEN = Path(__file__).parents[1] / "models" / "ssc-net-1-9" / "golden"

_WRITE = "import sys; from benchmarks.networks import settled; settled(*sys.argv[1:])"
_SUMMARY, _ALL = "benchmarks.zoo: summary", "benchmarks.zoo: all"


@dataclass(frozen=True)
class Case:
    """A network, and what it is given.

    Attributes:
        name: of `ssc_deploy.nets.NAMED`, or an architecture.
        arguments: of the network, ``NAME=VALUE``.
        size: height and width of the pictures.
    """

    name: str
    arguments: tuple[str, ...] = ()
    size: int = 32

    @property
    def title(self) -> str:
        """What it is called in results."""
        return " ".join((self.name, *self.arguments, *([f"{self.size}x{self.size}"] if self.size != 32 else [])))


#: Beyond those with 10 classes at 32x32.
LARGEST = (
    Case("ssc-net-4-18", ("classes=1000",)),
    Case("mobilenet-v2", ("form=imagenet", "classes=1000"), 224),
)


@dataclass(frozen=True)
class File:
    """An exported file.

    Attributes:
        ok: whether it was verified.
        max_error: of its outputs against the network in float64.
        float32_error: of PyTorch's own float32 against the same.
        blocks: that were compared besides.
        movements: shifts and shuffles that are bit-exact, of all.
        operators: in the file.
        size: in bytes.
    """

    ok: bool
    max_error: float
    float32_error: float
    blocks: int
    movements: tuple[int, int]
    operators: int
    size: int


@dataclass(frozen=True)
class Exported:
    """A network's files.

    Attributes:
        network: its title.
        architecture: its family.
        parameters: numbers that were trained.
        size: height and width of the pictures.
        files: by format.
        memory_mb: largest resident set of the export, verification included.
        cpu_seconds: of the export, likewise.
    """

    network: str
    architecture: str
    parameters: int
    size: int
    files: dict[str, File]
    memory_mb: float
    cpu_seconds: float

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> Exported:
        """Reads what `asdict` gives."""
        files = {form: File(**{**file, "movements": tuple(file["movements"])}) for form, file in raw["files"].items()}
        return cls(**{**raw, "files": files})


def exported(case: Case, folder: Path) -> Exported:
    """Writes a network's checkpoint, exports it, and reads what the export says.

    Raises:
        RuntimeError: a process failed; a file that does not verify is one of the reasons.
    """
    checkpoint, described = folder / "net.pt", folder / "net.json"
    cost([sys.executable, "-c", _WRITE, case.name, str(case.size), str(checkpoint), *case.arguments], described)
    known = json.loads(described.read_text())
    said = folder / "export.json"
    command = [sys.executable, "-c", CLI, "export", "--ckpt", str(checkpoint), "--to", "onnx", "--to", "tflite"]
    shape = f"1,3,{case.size},{case.size}"
    spent = cost([*command, "--output", str(folder), "--input-shape", shape, "--format", "json"], said)
    files = {file["format"]: _file(file) for file in json.loads(said.read_text())["files"]}
    return Exported(
        **known, size=case.size, files=files, memory_mb=round(spent.memory), cpu_seconds=round(spent.cpu, 1)
    )


def _file(raw: dict[str, Any]) -> File:
    proof = raw["verification"]
    moved, blocks = proof["movements"] or {"exact": 0, "total": 0}, proof["blocks"] or {"agree": 0}
    return File(
        ok=proof["ok"],
        max_error=proof["error"]["max"],
        float32_error=proof["float32"]["max"],
        blocks=blocks["agree"],
        movements=(moved["exact"], moved["total"]),
        operators=raw["operators"],
        size=raw["size"],
    )


def table(measured: dict[str, Exported]) -> str:
    """A line a network, in Markdown."""
    head = "| network | parameters | .onnx: max error | .tflite: max error | float32's own | peak memory |"
    lines = [head, "|---|---:|---:|---:|---:|---:|"]
    for title, found in measured.items():
        errors = [f"{found.files[form].max_error:.1e}" for form in ("onnx", "tflite")]
        own = found.files["onnx"].float32_error
        cells = [f"`{title}`", f"{found.parameters:,}", *errors, f"{own:.1e}", f"{found.memory_mb:.0f} MB"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def summary(measured: dict[str, Exported]) -> str:
    """A line an architecture: how many were exported, and the worst error in units of float32's own."""
    lines = ["| architecture | networks | parameters | verified files | error / float32's own, at most |"]
    lines.append("|---|---:|---:|---:|---:|")
    by_architecture = sorted(measured.values(), key=lambda found: found.architecture)
    for architecture, several in itertools.groupby(by_architecture, key=lambda found: found.architecture):
        group = list(several)
        files = [file for found in group for file in found.files.values()]
        counts = sorted(found.parameters for found in group)
        spread = f"{counts[0]:,}" if len(group) == 1 else f"{counts[0]:,} to {counts[-1]:,}"
        worst = max(file.max_error / file.float32_error for file in files)
        right = f"{sum(file.ok for file in files)} of {len(files)}"
        lines.append(f"| {architecture} | {len(group)} | {spread} | {right} | {worst:.1f} |")
    return "\n".join(lines)


def inserted(text: str, measured: dict[str, Exported]) -> str:
    """The Markdown text with the tables between its markers made anew."""
    return pages.inserted(pages.inserted(text, _SUMMARY, summary(measured)), _ALL, table(measured))


def read(path: Path) -> dict[str, Exported]:
    """The networks in a file of results, by title."""
    return {title: Exported.from_dict(raw) for title, raw in json.loads(path.read_text())["networks"].items()}


def main() -> None:
    """Prints a line a network."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--net", action="append", help="default: all")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--tables", type=Path, nargs="+", help="Markdown files to be written from --json")
    parser.add_argument("--quantize", choices=["int8"], help="export int8 files instead of float32 ones")
    parser.add_argument("--calibration", type=Path, default=_GOLDEN, help="images that int8 values follow from")
    options = parser.parse_args()
    if options.tables:
        for path in options.tables:
            text = path.read_text()
            if options.quantize:
                path.write_text(zoo_int8.inserted(text, zoo_int8.read(options.json)))
            else:
                path.write_text(inserted(text, read(options.json)))
        return
    names = json.loads(
        cost_output(
            [sys.executable, "-c", "import json; from ssc_deploy.nets import NAMED; print(json.dumps([*NAMED]))"]
        )
    )
    cases = {case.title: case for case in (*(case_of(name) for name in names), *LARGEST)}
    if options.quantize:
        _quantized(cases, options.net or cases, options.json, options.calibration)
        return
    known = read(options.json) if options.json is not None and options.json.exists() else {}
    for title in options.net or cases:
        with tempfile.TemporaryDirectory() as folder:
            found = exported(cases[title], Path(folder))
        limit = "" if found.memory_mb <= MEMORY_TARGET_MB else f"   above {MEMORY_TARGET_MB:.0f} MB"
        worst = max(file.max_error / file.float32_error for file in found.files.values())
        print(
            f"{title:40} {found.memory_mb:6.0f} MB {found.cpu_seconds:6.1f} s CPU   error {worst:4.1f}{limit}",
            flush=True,
        )
        known[title] = found
        ordered = {name: asdict(known[name]) for name in cases if name in known}
        measuring.write(options.json, "zoo", {"memory_target_mb": MEMORY_TARGET_MB, "networks": ordered})


def _quantized(cases: dict[str, Case], titles: Iterable[str], json_path: Path | None, calibration: Path) -> None:
    """Exports networks as int8 files, and prints a line a network."""
    known = zoo_int8.read(json_path) if json_path is not None and json_path.exists() else {}
    for title in titles:
        case = cases[title]
        with tempfile.TemporaryDirectory() as folder:
            found = zoo_int8.exported(case.name, case.arguments, case.size, Path(folder), calibration.resolve())
        print(zoo_int8.line(title, found), flush=True)
        known[title] = found
        zoo_int8.write(json_path, {name: asdict(known[name]) for name in cases if name in known})


def case_of(name: str) -> Case:
    """A named network with 10 classes at 32x32; the one that is called as its architecture needs telling apart."""
    return Case(name, ("form=cifar", "classes=10")) if name == "mobilenet-v2" else Case(name)


def cost_output(command: list[str]) -> str:
    """What a command prints; this process imports nothing heavy, or what it starts would inherit it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "output"
        cost(command, path)
        return path.read_text()


if __name__ == "__main__":
    main()
