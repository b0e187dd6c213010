"""What other converters make of the networks of `benchmarks.others`: litert-torch and onnx2tf, to `.tflite`.

    uv run --with torchvision --with timm --with pytorchcv python -m benchmarks.others_converters --json FILE

FILE is that of `benchmarks.others`; each of its networks gets what the two made of it, judged by the same rule, by the
same process. Each converts by its defaults. litert-torch is given the module, onnx2tf what ``torch.onnx.export`` writes
of it (over TorchScript and onnxsim, or where that fails, by dynamo). Outputs are matched in whichever order and layout
fits best, since a converter may change both. Environments are those of `benchmarks.peers`, made by uv.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks import others
from benchmarks.measuring import ONE_THREAD
from benchmarks.others import File
from benchmarks.peers import environments

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Environment of each converter. litert-torch is given modules, so the networks' libraries are there, too.
_ENVIRONMENTS = {"litert-torch": "litert-torch-others", "onnx2tf": "onnx2tf"}
_ROOT = Path(__file__).parents[1]


def convert_litert_torch(entry: dict[str, Any], folder: Path) -> None:
    """Writes ``model.tflite``; runs in the environment of litert-torch."""
    import litert_torch
    import torch

    net = others.build(entry)
    litert_torch.convert(net, (torch.zeros(tuple(entry["shape"])),)).export(str(folder / "model.tflite"))


def export_onnx(entry: dict[str, Any], folder: Path) -> None:
    """Writes ``model.onnx``, as one does without ssc-deploy."""
    import onnx
    import onnxsim
    import torch

    net, given, path = others.build(entry), (torch.zeros(tuple(entry["shape"])),), folder / "model.onnx"
    try:
        torch.onnx.export(net, given, path, dynamo=False, opset_version=17)
    except Exception:  # whatever the older exporter raises, the newer one is asked
        torch.onnx.export(net, given, path, dynamo=True, verbose=False)
    simplified, _ = onnxsim.simplify(onnx.load(path), check_n=0)
    onnx.save(simplified, path)


def convert_onnx2tf(folder: Path) -> None:
    """Writes ``model.tflite`` of ``model.onnx``; runs in the environment of onnx2tf."""
    import onnx2tf

    onnx2tf.convert(
        input_onnx_file_path=str(folder / "model.onnx"), output_folder_path=str(folder / "out"), non_verbose=True
    )
    (path,) = (folder / "out").glob("*_float32.tflite")
    path.rename(folder / "model.tflite")


def judge(entry: dict[str, Any], path: Path) -> File:
    """Compares a file with the module in float64, by the rule of `benchmarks.others`."""
    import copy

    import torch

    net, shape = others.build(entry), tuple(entry["shape"])
    exact, run = copy.deepcopy(net).double(), _runner(path)
    worst = own = 0.0
    for given in others.inputs(shape):
        returned = run(given)
        with torch.no_grad():
            wide = others.tensors(exact(torch.from_numpy(given).double()))
            narrow = others.tensors(net(torch.from_numpy(given)))
        for y, p in zip(wide, narrow, strict=True):
            scale = float(np.abs(y).max()) or 1.0
            fitting = [float(np.abs(v - y).max()) for value in returned for v in _layouts(value) if v.shape == y.shape]
            if not fitting or not np.isfinite(min(fitting)):
                return File("wrong", f"no output of {list(y.shape)}, or one that is not finite")
            worst, own = max(worst, min(fitting) / scale), max(own, float(np.abs(p - y).max()) / scale)
    return File("right" if worst <= max(1e-3, 100 * own) else "wrong", "", worst, own)


def _runner(path: Path) -> Any:
    from ai_edge_litert.interpreter import Interpreter

    model = Interpreter(str(path), num_threads=1)
    (feed,) = model.get_input_details()
    model.allocate_tensors()

    def run(x: np.ndarray[Any, Any]) -> list[np.ndarray[Any, Any]]:
        last = tuple(feed["shape"]) != x.shape
        given = np.ascontiguousarray(np.moveaxis(x, 1, -1)) if last else x
        if tuple(feed["shape"]) != given.shape:
            model.resize_tensor_input(feed["index"], given.shape)
            model.allocate_tensors()
        model.set_tensor(feed["index"], given)
        model.invoke()
        return [np.array(model.get_tensor(one["index"]), np.float64) for one in model.get_output_details()]

    return run


def _layouts(value: np.ndarray[Any, Any]) -> list[np.ndarray[Any, Any]]:
    return [value] if value.ndim < 3 else [value, np.moveaxis(value, -1, 1)]


def _converted(entry: dict[str, Any], converter: str, cache: Path) -> File:
    """One network by one converter, each step in a process of its own."""
    own = Path(sys.executable)
    theirs = environments.python(_ENVIRONMENTS[converter], cache)
    # For onnx2tf, the export is PyTorch's.
    steps = [("litert-torch", theirs)] if converter == "litert-torch" else [("onnx", own), ("onnx2tf", theirs)]
    with tempfile.TemporaryDirectory(prefix="ssc-deploy-") as folder:
        for step, python in (*steps, ("judge", own)):
            done = _step(python, step, entry, Path(folder))
            if done.returncode:
                said = done.stderr.strip().splitlines()
                # A file that its runtime does not run is not wrong.
                status = "refused" if step != "judge" else "does not run"
                return File(status, f"{step}: {_without_places(said[-1], python) if said else ''}"[:300])
        return File(**json.loads(done.stdout.splitlines()[-1]))


def _without_places(sentence: str, python: Path) -> str:
    """A message without the folders of this machine: of an environment's packages, and of the tree."""
    packages = next(iter((python.parents[1] / "lib").glob("python3*"))) / "site-packages"
    return sentence.replace(f"{packages}/", "").replace(f"{_ROOT}/", "")


def _step(python: Path, step: str, entry: dict[str, Any], folder: Path) -> subprocess.CompletedProcess[str]:
    variables = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    variables |= ONE_THREAD | {"PYTHONPATH": str(_ROOT)}
    command = [str(python), "-m", "benchmarks.others_converters", "--step", step, json.dumps(entry), str(folder)]
    return subprocess.run(command, capture_output=True, text=True, env=variables, cwd=folder, check=False)


def _do(step: str, entry: dict[str, Any], folder: Path) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (others.LIMIT, resource.RLIM_INFINITY))
    if step == "judge":
        print(json.dumps(asdict(judge(entry, folder / "model.tflite"))))
    elif step == "onnx2tf":
        convert_onnx2tf(folder)
    else:
        {"litert-torch": convert_litert_torch, "onnx": export_onnx}[step](entry, folder)


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--net", action="append", default=[])
    parser.add_argument("--cache", type=Path, default=environments.default_cache())
    parser.add_argument("--step", nargs=3, help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    if asked.step:
        step, entry, folder = asked.step
        _do(step, json.loads(entry), Path(folder))
        return
    for entry in others.entries():
        name = others.title(entry)
        results = json.loads(asked.json.read_text(encoding="utf-8"))
        if name not in results or (asked.net and not any(one in name for one in asked.net)):
            continue
        missing = [one for one in _ENVIRONMENTS if asked.net or one not in results[name]]
        found = {converter: asdict(_converted(entry, converter, asked.cache)) for converter in missing}
        if found:
            # Read again: `benchmarks.others` may be adding networks.
            results = json.loads(asked.json.read_text(encoding="utf-8"))
            results[name] |= found
            asked.json.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n", encoding="utf-8")
            said = " · ".join(f"{one} {others.cell(file)}" for one, file in found.items())
            print(f"{name}: {said}", flush=True)


if __name__ == "__main__":
    main()
