"""What quantised files cost and gain, beside those of other quantisers.

    python -m benchmarks.quantized files    --folder DIR --calibration TRAIN --net NAME ...
    python -m benchmarks.quantized accuracy --folder DIR --accuracy TEST --json FILE --net NAME ...
    python -m benchmarks.quantized times    --folder DIR --json FILE --net NAME ... [--rounds 40]
    python -m benchmarks.quantized table    --json FILE --tables FILE ...

``files`` exports each network in float32 and in our modes, and lets the others quantise our float32 files: so that
graphs differ in nothing but the quantisation. Only their ``.onnx`` file carries out every shift by a depthwise kernel:
ours may add masks of the least number of float32, which others put on a grid, and ONNX Runtime 1.32's sum of integers
is wrong with such a scale (29.6 dB in exact arithmetic became -1.2 dB). All take the same images of TRAIN.
``accuracy`` runs the files on the same images of TEST, by the runtimes. ``times`` lets all files of a network take
turns, on one thread. Each part replaces its own figures in FILE. ``table`` writes them between the markers of Markdown
files.

TRAIN and TEST are what ``ssc-deploy eval --data`` takes. Networks are those of ``models/``, trained, and SSC-Net-6-9
with seeded weights that are settled on real images (`networks.settled_calm`), which has no accuracy, and whose noise
is that on `_UNTRAINED_IMAGES`. The others' programs have environments of their own, made by uv
(`peers/environments.py`).

Where ONNX Runtime's products of 8 bits saturate (`ssc_deploy.runtimes.saturation`), the accuracy of an ``.onnx`` file
with 8-bit weights is that of exact arithmetic, for ours and others alike; files with 7 bits run as they are.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import ssc_deploy
from benchmarks import measuring, pages
from benchmarks.latency import measure
from benchmarks.peers import environments
from ssc_deploy import batches, card, runtimes
from ssc_deploy.quantize import calibration_data
from ssc_deploy.quantize.simulation import sqnr
from ssc_deploy.runtimes import saturation
from ssc_deploy.runtimes.onnxruntime import OnnxRuntime
from ssc_deploy.signature import of_image
from ssc_deploy.verification import accuracy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ssc_deploy.card import Card
    from ssc_deploy.quantize.calibration_data import HeldOut

ROOT = Path(__file__).parents[1]

#: Networks, and the card of each trained one; the last gives images and their preprocessing to the untrained one.
CARDS = {"shift-net-3-6": ROOT / "models/shift-net-3-6", "ssc-net-1-9": ROOT / "models/ssc-net-1-9"}
UNTRAINED = "ssc-net-6-9"
NETS = ("ssc-net-1-9", "shift-net-3-6", UNTRAINED)

_SIGNATURE = of_image((1, 3, 32, 32))
_PLACE = "benchmarks.quantized"

#: Images that are in memory at once.
_AT_ONCE = 250

#: Images of TEST for the network without accuracy.
_UNTRAINED_IMAGES = 500

FLOAT32 = "float32"

#: What the others quantise in the place of our float32 ``.onnx`` file; not one of the files that are compared.
_PLAIN = "plain.onnx"


@dataclass(frozen=True)
class Quantizer:
    """A program of others.

    Attributes:
        script: in `benchmarks/quantizers`.
        environment: see `peers.environments`.
        format: of the files.
        variants: that it offers.
    """

    script: str
    environment: str
    format: str
    variants: tuple[str, ...]


OTHERS = {
    "onnxruntime.quantization": Quantizer(
        "onnxruntime_quantization.py",
        environments.OWN,
        "onnx",
        ("min-max", "min-max-7-bits", "percentile", "entropy"),
    ),
    "aimet": Quantizer("aimet.py", "aimet-onnx", "onnx", ("min-max", "sqnr", "sqnr+equalised")),
    "ai-edge-quantizer": Quantizer("ai_edge.py", "ai-edge-quantizer", "tflite", ("int8",)),
}


def ours(calibration: np.ndarray) -> dict[str, ssc_deploy.Quantization | None]:
    """Our files by their variant."""
    return {
        FLOAT32: None,
        "int8": ssc_deploy.Quantization("int8", calibration=calibration),
        "int8-7-bits": ssc_deploy.Quantization("int8", calibration=calibration, safe_for="avx2"),
        "float16": ssc_deploy.Quantization("float16"),
    }


def described(net: str) -> Card:
    """The card that says how an image becomes an input."""
    return card.read(CARDS.get(net, CARDS["ssc-net-1-9"]) / card.FILE_NAME)


def make(net: str, folder: Path, calibration: Path, cache: Path) -> None:
    """Writes all files of a network that are not there yet, as ``QUANTISER=VARIANT.FORMAT``."""
    folder.mkdir(parents=True, exist_ok=True)
    about = described(net)
    images = calibration_data.open_data(
        calibration, _SIGNATURE, preprocessing=about.preprocessing, labels=about.labels, held_out=0
    ).inputs.arrays[0]
    if net in CARDS:
        checkpoint = CARDS[net] / about.checkpoint
    else:
        checkpoint = folder / "checkpoint.pt"
        command = "import sys; from benchmarks.networks import settled_calm; settled_calm(*sys.argv[1:])"
        subprocess.run([sys.executable, "-c", command, net, "32", str(checkpoint)], check=True, cwd=ROOT)
    for variant, wanted in ours(images).items():
        if all((folder / f"ours={variant}.{form}").exists() for form in ("onnx", "tflite")):
            continue
        print(f"{net}: ours, {variant}", flush=True)
        result = ssc_deploy.export(
            checkpoint, to=("onnx", "tflite"), output=folder / variant, quantize=wanted, overwrite=True
        )
        for file in result.files:
            named = folder / f"ours={variant}.{file.format.value}"
            file.path.replace(named)
            named.with_suffix(f"{named.suffix}.json").write_text(json.dumps(file.verification.to_dict()))
    np.save(folder / "images.npy", images)
    plain = folder / _PLAIN
    if not plain.exists():
        result = ssc_deploy.export(checkpoint, to="onnx", output=folder / "plain", shift="depthwise", overwrite=True)
        result.files[0].path.replace(plain)
    for name, program in OTHERS.items():
        for variant in program.variants:
            made = folder / f"{name}={variant}.{program.format}"
            failed = made.with_suffix(f"{made.suffix}.failed")
            if made.exists() or failed.exists():
                continue
            print(f"{net}: {name}, {variant}", flush=True)
            given = plain if program.format == "onnx" else folder / f"ours={FLOAT32}.tflite"
            reason = _quantize(program, given, made, variant, cache)
            if reason is not None:
                failed.write_text(reason)


def _quantize(program: Quantizer, given: Path, made: Path, variant: str, cache: Path) -> str | None:
    """Runs another's program; the reason where it fails."""
    try:
        python = environments.python(program.environment, cache)
    except environments.EnvironmentUnavailableError as error:
        return str(error)
    script = ROOT / "benchmarks" / "quantizers" / program.script
    command = [str(python), str(script), str(given), str(given.with_name("images.npy")), str(made), variant]
    shown = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=shown)
    if done.returncode == 0:
        return None
    return (done.stderr.strip().splitlines() or ["failed without a word"])[-1]


def files_of(folder: Path) -> dict[str, Path]:
    """The files of a network by their names; our float32 files are first, then our others."""
    found = [path for path in sorted(folder.glob("*=*")) if path.suffix in {".onnx", ".tflite"}]
    return {
        path.name: path
        for path in sorted(found, key=lambda path: (FLOAT32 not in path.name, not path.name.startswith("ours")))
    }


def outputs(path: Path, labelled: HeldOut) -> tuple[np.ndarray, bool]:
    """The outputs [N, classes] of a file, and whether exact arithmetic stood in for the runtime's kernels."""
    runtime = runtimes.runtime_for(path)
    eight_bits = path.suffix == ".onnx" and not any(word in path.name for word in (FLOAT32, "float16", "7-bits"))
    exact = eight_bits and saturation.saturates()
    runner = OnnxRuntime().load(path, integers=False) if exact else runtime.load(path)
    parts = [slice(start, start + _AT_ONCE) for start in range(0, len(labelled), _AT_ONCE)]
    found = [batches.run(runner, labelled.inputs(part), layout=runtime.image_layout)[0] for part in parts]
    return np.concatenate(found), exact


def compare(net: str, folder: Path, labelled: HeldOut) -> Iterator[tuple[str, dict[str, Any]]]:
    """What each file of a network loses against our float32 file of its format, with its name."""
    before: dict[str, np.ndarray] = {}
    for name, path in files_of(folder).items():
        found, exact = outputs(path, labelled)
        base = before.setdefault(path.suffix, found)
        size = path.stat().st_size / (folder / f"ours={FLOAT32}{path.suffix}").stat().st_size
        row: dict[str, Any] = {"size_to_float32": size, "sqnr": None if found is base else sqnr([base], [found])}
        row["exact_arithmetic"] = exact
        if net in CARDS:
            row["accuracy"] = accuracy.compared(base, found, labelled.labels).to_dict()
        said = path.with_suffix(f"{path.suffix}.json")
        proof = json.loads(said.read_text()) if said.exists() else {}
        if proof.get("integers"):
            row["integers"] = {key: proof["integers"][key] for key in ("numbers", "turned", "farthest")}
        drop = f"drop {row['accuracy']['drop']:+.2f} ± {row['accuracy']['interval']:.2f}" if net in CARDS else ""
        print(f"{net:14} {name:45} size {size:.3f}  SQNR {row['sqnr'] or 0:5.1f} dB  {drop}", flush=True)
        yield name, row
    for failed in sorted(folder.glob("*.failed")):
        yield failed.name.removesuffix(".failed"), {"failed": failed.read_text()}


def timed(folder: Path, rounds: int, runs: int) -> dict[str, dict[str, Any]]:
    """How long each file takes against our float32 file of its format, by its name."""
    runners = {name: runtimes.runtime_for(path).load(path, threads=1) for name, path in files_of(folder).items()}
    seconds = measure(runners, rounds, runs)
    rows: dict[str, dict[str, Any]] = {}
    for name, samples in seconds.items():
        suffix = Path(name).suffix
        others = [other for other in seconds if Path(other).suffix == suffix and not other.startswith("ours")]
        rows[name] = {
            "p50_ms": 1e3 * statistics.median(samples),
            "to_float32": measuring.paired(samples, seconds[f"ours={FLOAT32}{suffix}"]),
        }
        if name.startswith("ours=int8"):
            rows[name]["to_others"] = {other: measuring.paired(samples, seconds[other]) for other in others}
        print(f"{name:45} {rows[name]['p50_ms']:7.2f} ms   {rows[name]['to_float32']}", flush=True)
    return rows


def table(networks: dict[str, dict[str, Any]]) -> str:
    """A line a file, in Markdown."""
    lines = ["| network | file | top-1 lost, points | SQNR | size | time |", "|---|---|---:|---:|---:|---:|"]
    for net, parts in networks.items():
        times = parts.get("times", {})
        for name, row in parts.get("accuracy", {}).items():
            quantizer, variant = name.split("=")
            title = f"{quantizer}, {variant.replace('+', ', ')}"
            if FLOAT32 in name:
                continue
            if "failed" in row:
                lines.append(f"| {net} | {title} | failed: {row['failed'][:80]} | | | |")
                continue
            drop = f"{row['accuracy']['drop']:.2f} ± {row['accuracy']['interval']:.2f}" if "accuracy" in row else ""
            ratio = times.get(name, {}).get("to_float32")
            time = f"{ratio['median']:.2f} [{ratio['low']:.2f}, {ratio['high']:.2f}]" if ratio else ""
            lines.append(f"| {net} | {title} | {drop} | {row['sqnr']:.1f} dB | {row['size_to_float32']:.3f} | {time} |")
    return "\n".join(lines)


def inserted(text: str, networks: dict[str, dict[str, Any]]) -> str:
    """The Markdown text with the table between its markers made anew."""
    return pages.inserted(text, _PLACE, table(networks))


def main() -> None:
    """Prints a line a file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", choices=["files", "accuracy", "times", "table"])
    parser.add_argument("--folder", type=Path, help="of the files, a folder for each network")
    parser.add_argument("--calibration", type=Path)
    parser.add_argument("--accuracy", type=Path)
    parser.add_argument("--net", action="append", choices=NETS, help="default: all")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--runs", type=int, default=5, help="of each file in a round")
    parser.add_argument("--cache", type=Path, default=environments.default_cache(), help="of environments")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--tables", type=Path, nargs="+", default=[])
    options = parser.parse_args()
    known: dict[str, dict[str, Any]] = {}
    if options.json is not None and options.json.exists():
        known = json.loads(options.json.read_text())["networks"]
    if options.part == "table":
        for path in options.tables:
            path.write_text(inserted(path.read_text(), known))
        return
    for net in options.net or NETS:
        folder = options.folder / net
        if options.part == "files":
            make(net, folder, options.calibration, options.cache)
            continue
        if options.part == "accuracy":
            about = described(net)
            labelled = calibration_data.labelled(
                options.accuracy,
                _SIGNATURE,
                preprocessing=about.preprocessing,
                labels=about.labels,
                most=calibration_data.HELD_OUT if net in CARDS else _UNTRAINED_IMAGES,
            )
            for name, row in compare(net, folder, labelled):
                known.setdefault(net, {}).setdefault("accuracy", {})[name] = row
                _write(options.json, known)
        else:
            # As JSON, like what the file holds already.
            found = json.loads(json.dumps(timed(folder, options.rounds, options.runs), default=asdict))
            known.setdefault(net, {})["times"] = found
            _write(options.json, known)


def _write(path: Path | None, known: dict[str, dict[str, Any]]) -> None:
    measuring.write(path, "quantized", {"networks": {name: known[name] for name in NETS if name in known}})


if __name__ == "__main__":
    main()
