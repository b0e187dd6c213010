"""Networks of other libraries, exported as they are to both formats, and judged without our own verification.

    uv run --with torchvision --with timm --with pytorchcv python -m benchmarks.others --json FILE [--net NAME ...]

`networks_of_others.toml` lists them: of torchvision, timm and pytorchcv, with small inputs where they allow it. Each is
built with seeded weights, and a fresh process of one thread exports it. Weights and scales that begin at or near zero
are drawn anew, since they would hide what the rest of the network computes; BatchNorm statistics are set from noise.
A network whose outputs are the same for two images is an error of this benchmark ("crashed").
A file is right where its outputs, as the runtime computes them for noise, for a constant and for a ramp, are those of
the module in float64, computed here by PyTorch alone:

    max |file - float64|  <=  1e-3 * max |float64|   or   <=  100 * max |float32 - float64|

With ``--json``, networks that the file already holds are kept and those of ``--net`` replaced. ``--table`` prints what
the file holds and measures nothing; ``--page FILE`` writes its sums into a page.
`benchmarks.others_converters` adds what other converters make of the same networks.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks import pages

if TYPE_CHECKING:
    from collections.abc import Sequence

LIST = Path(__file__).with_name("networks_of_others.toml")
FORMATS = ("onnx", "tflite")
_PLACE = "benchmarks.others"

#: In tables.
_TITLES = {"onnx": ".onnx", "tflite": ".tflite", "litert-torch": "litert-torch, .tflite", "onnx2tf": "onnx2tf, .tflite"}

#: Seconds of processor time of one network. Waiting for other work on the machine does not count.
LIMIT = 600

#: A weight or a scale, all of whose values are smaller, hides what follows or precedes it.
_NEAR_ZERO = 1e-3


@dataclass(frozen=True)
class File:
    """What became of one format.

    Attributes:
        status: ``"right"``, ``"wrong"``, or ``"refused"``.
        reason: of a refusal, our sentence.
        error: largest distance from float64, by the largest value; of all outputs and inputs.
        float32: the same of PyTorch's float32.
    """

    status: str
    reason: str = ""
    error: float | None = None
    float32: float | None = None


def entries() -> list[dict[str, Any]]:
    """The networks of the list: library, name, shape, and further arguments."""
    return list(tomllib.loads(LIST.read_text(encoding="utf-8"))["network"])


def title(entry: dict[str, Any]) -> str:
    """What a network is called in results."""
    return f"{entry['library']}/{entry['name']}"


def build(entry: dict[str, Any]) -> Any:
    """The network with seeded weights, in eval mode, its BatchNorm statistics those of noise."""
    import torch

    torch.manual_seed(0)
    arguments = {**entry.get("args", {}), **({"weights_backbone": None} if entry.get("segmentation") else {})}
    if entry["library"] == "torchvision":
        import torchvision

        net = torchvision.models.get_model(entry["name"], weights=None, **arguments)
    elif entry["library"] == "timm":
        import timm

        net = timm.create_model(entry["name"], pretrained=False, **arguments)
    else:
        from pytorchcv.model_provider import get_model

        net = get_model(entry["name"], pretrained=False, **arguments)
    _draw_hidden(net)
    norms = [one for one in net.modules() if isinstance(one, torch.nn.modules.batchnorm._BatchNorm)]
    if norms:
        net.eval()
        for norm in norms:
            norm.train()
            norm.momentum = None
        batch = torch.randn(4, *entry["shape"][1:], generator=torch.Generator().manual_seed(1))
        with torch.no_grad():
            net(batch)
    net.eval()
    with torch.no_grad():
        first, second = (tensors(net(torch.from_numpy(_noise(entry["shape"], seed)))) for seed in (3, 4))
    for one, other in zip(first, second, strict=True):
        if not np.isfinite(one).all() or np.abs(one - other).max() <= 1e-3 * np.abs(one).max():
            raise ValueError("its outputs are not finite, or the same for two images, and show nothing")
    return net


def _draw_hidden(net: Any) -> None:
    """Draws the weights and scales anew that are constant and at or near zero: heads, LayerScale, last BatchNorms."""
    import torch

    with torch.no_grad():
        for name, parameter in net.named_parameters():
            hidden = parameter.numel() > 1 and parameter.abs().max() < _NEAR_ZERO
            if not hidden or "bias" in name.rpartition(".")[2]:
                continue
            if parameter.squeeze().ndim > 1:
                torch.nn.init.normal_(parameter, std=parameter[0].numel() ** -0.5)
            else:
                torch.nn.init.uniform_(parameter, 0.1, 0.3)


def _noise(shape: Sequence[int], seed: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def judge(entry: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Exports a network and judges its files."""
    import torch

    import ssc_deploy

    net, shape = build(entry), tuple(entry["shape"])
    started = time.process_time()
    try:
        result = ssc_deploy.export(net, torch.zeros(shape), to=FORMATS, output=folder, keep_going=True)
    except ssc_deploy.SscDeployError as error:
        return {form: asdict(File("refused", str(error)[:400])) for form in FORMATS}
    seconds = time.process_time() - started
    files = {failed.format.value: File("refused", failed.reason[:400]) for failed in result.failed}
    exact = copy.deepcopy(net).double()
    for file in result.files:
        files[file.format.value] = _compared(net, exact, file.path, shape)
    found: dict[str, Any] = {form: asdict(files[form]) for form in FORMATS}
    movements = {"shifts": result.rewrite.shifts, "shuffles": result.rewrite.shuffles}
    return {**found, **movements, "cpu_seconds": round(seconds, 1)}


def inputs(shape: tuple[int, ...]) -> list[np.ndarray[Any, np.dtype[np.float32]]]:
    """What files are compared on: noise, a constant and a ramp."""
    ramp = np.broadcast_to(np.linspace(-2, 2, shape[-1]), shape)
    return [np.ascontiguousarray(x, np.float32) for x in (_noise(shape, 2), np.full(shape, 0.7), ramp)]


def _compared(net: Any, exact: Any, path: Path, shape: tuple[int, ...]) -> File:
    import torch

    import ssc_deploy

    worst = own = 0.0
    for given in inputs(shape):
        returned = list(ssc_deploy.run(path, given).values())
        with torch.no_grad():
            wide = tensors(exact(torch.from_numpy(given).double()))
            narrow = tensors(net(torch.from_numpy(given)))
        if len(returned) != len(wide):
            return File("wrong", f"{len(returned)} outputs instead of {len(wide)}")
        for value, y, p in zip(returned, wide, narrow, strict=True):
            if value.shape != y.shape or not np.isfinite(value).all():
                return File("wrong", f"{list(value.shape)} instead of {list(y.shape)}, or not finite")
            scale = float(np.abs(y).max()) or 1.0
            worst = max(worst, float(np.abs(value - y).max()) / scale)
            own = max(own, float(np.abs(p - y).max()) / scale)
    return File("right" if worst <= max(1e-3, 100 * own) else "wrong", "", worst, own)


def tensors(returned: Any) -> list[Any]:
    """What a network returns, float64, in order."""
    import torch

    if isinstance(returned, torch.Tensor):
        return [returned.double().numpy()]
    values = returned.values() if isinstance(returned, dict) else returned
    return [array for value in values if value is not None for array in tensors(value)]


def _in_process(entry: dict[str, Any]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="ssc-deploy-") as folder:
        command = [sys.executable, "-m", "benchmarks.others", "--judge", json.dumps(entry), folder]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode == -signal.SIGXCPU:
        return {form: asdict(File("refused", f"not done after {LIMIT} CPU s")) for form in FORMATS}
    try:
        return dict(json.loads(done.stdout.splitlines()[-1]))
    except (IndexError, ValueError):
        reason = f"crashed: {done.stderr.strip().splitlines()[-1] if done.stderr.strip() else done.returncode}"
        return {form: asdict(File("crashed", reason[:400])) for form in FORMATS}


def table(results: dict[str, dict[str, Any]]) -> str:
    """The results as Markdown, a line for each network; with those of other converters where they were asked."""
    kinds = _kinds(results)
    lines = [f"| network | {' | '.join(_TITLES[kind] for kind in kinds)} | CPU s |", f"|---|{'---|' * len(kinds)}---:|"]
    for name in sorted(results):
        one = results[name]
        cells = " | ".join(cell(one[kind]) if kind in one else "" for kind in kinds)
        lines.append(f"| {name} | {cells} | {one.get('cpu_seconds', '')} |")
    return "\n".join(lines)


def summary(results: dict[str, dict[str, Any]]) -> str:
    """The sums as Markdown: how many are right, and how many files are wrong, by library."""
    kinds = _kinds(results)
    lines = [
        f"| library | networks | {' | '.join(f'right: {_TITLES[kind]}' for kind in kinds)} | files that are wrong |"
    ]
    lines.append(f"|---|---:|{'---:|' * len(kinds)}---|")
    libraries = sorted({name.partition("/")[0] for name in results})
    for library in [*libraries, "all"]:
        found = [one for name, one in results.items() if library in ("all", name.partition("/")[0])]
        tried = {kind: [one[kind]["status"] for one in found if kind in one] for kind in kinds}
        right = [f"{statuses.count('right')} of {len(statuses)}" for statuses in tried.values()]
        wrong = {kind: statuses.count("wrong") for kind, statuses in tried.items()}
        said = ", ".join(f"{count} of {_TITLES[kind]}" for kind, count in wrong.items() if count) or "0"
        lines.append(f"| {library} | {len(found)} | {' | '.join(right)} | {said} |")
    return "\n".join(lines)


def inserted(text: str, results: dict[str, dict[str, Any]]) -> str:
    """The Markdown text with the sums between its markers made anew."""
    return pages.inserted(text, _PLACE, summary(results))


def _kinds(results: dict[str, dict[str, Any]]) -> list[str]:
    return [kind for kind in _TITLES if any(kind in one for one in results.values())]


def cell(file: dict[str, Any]) -> str:
    """A result in a table."""
    return f"{file['error']:.0e}" if file["status"] == "right" else f"{file['status']}: {file['reason'][:120]}"


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--net", action="append", default=[])
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--page", type=Path)
    parser.add_argument("--judge", nargs=2, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.judge:
        resource.setrlimit(resource.RLIMIT_CPU, (LIMIT, resource.RLIM_INFINITY))
        print(json.dumps(judge(json.loads(asked.judge[0]), Path(asked.judge[1]))))
        return
    results = json.loads(asked.json.read_text(encoding="utf-8")) if asked.json and asked.json.exists() else {}
    if asked.page:
        asked.page.write_text(inserted(asked.page.read_text(encoding="utf-8"), results), encoding="utf-8")
        return
    if not asked.table:
        for entry in entries():
            name = title(entry)
            if (asked.net and not any(one in name for one in asked.net)) or (not asked.net and name in results):
                continue
            results[name] = _in_process(entry)
            print(f"{name}: {cell(results[name]['onnx'])} · {cell(results[name]['tflite'])}", flush=True)
            if asked.json:
                asked.json.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    print(f"{table(results)}\n\n{summary(results)}")


if __name__ == "__main__":
    main()
