"""What the harness of ``ssc-deploy profile`` adds to the runtime's own call, and whether LiteRT's own tool agrees.

    python -m benchmarks.profile_overhead [--network ssc-net-1-9] [--rounds 20] [--tool-rounds 8] [--json FILE]

Overhead: the loop of ``profiling/runner.py`` and a bare loop around the same call on the same loaded file take turns;
the figure is the ratio of their p50, turn by turn, with its 95 % interval. Agreement: a job of the profile and
``litert-benchmark`` of LiteRT's wheel, both in processes of their own, take turns on the same file; the figure is the
ratio of their p50, paired by round. ``onnxruntime_perf_test`` likewise, where it is on the PATH.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

import ssc_deploy
from benchmarks import measuring
from ssc_deploy.nets.sizes import named
from ssc_deploy.profiling import preparing, runner
from ssc_deploy.profiling import statistics as figures
from ssc_deploy.profiling.job import Protocol
from ssc_deploy.profiling.targets import parse

if TYPE_CHECKING:
    from collections.abc import Callable

OVERHEAD_TARGET, AGREEMENT_TARGET = 0.02, 0.05

_RUNS = 250

#: One turn of the profile's job in the comparison with a tool, of about as many runs.
_TURN = Protocol(runs=_RUNS, seconds=0.0, repeats=5, operator_runs=0, fresh_processes=1)


def bare(call: Callable[[], Any], runs: int) -> list[float]:
    """Nanoseconds of each run of a loop that does nothing else."""
    taken = []
    for _ in range(runs):
        start = time.perf_counter()
        call()
        taken.append(1e9 * (time.perf_counter() - start))
    return taken


def overhead(path: Path, rounds: int) -> figures.Ratio:
    """The harness's time by the bare loop's."""
    model = runner.load(path, 1)
    shape = (1, 3, 32, 32) if path.suffix == ".onnx" else (1, 32, 32, 3)
    call = model.feed([np.random.default_rng(0).standard_normal(shape, np.float32)])
    runner.warm_up(call, 10, 0.5)
    harness, plain = [], []
    for i in range(rounds):
        for ours in (True, False) if i % 2 else (False, True):
            runner.warm_up(call, 2, 0.0)
            if ours:
                harness.append(runner.timed(call, _RUNS, 0))
            else:
                plain.append(bare(call, _RUNS))
    return figures.interleaved(harness, plain)


def profiled(path: Path) -> float:
    """p50 of one job of the profile, milliseconds."""
    with tempfile.TemporaryDirectory() as name:
        job = preparing.prepare(Path(name), [path], protocol=dataclasses.replace(_TURN))
        (one,) = parse("host").run(Path(name), job, lambda _: None).measurements
    return statistics.median(sample for turn in one.turns for sample in turn.samples_ns) / 1e6


def litert_tool(path: Path) -> float:
    """p50 that LiteRT's own tool tells, milliseconds."""
    with tempfile.TemporaryDirectory() as name:
        told = Path(name) / "result.json"
        command = [sys.executable, "-m", "ai_edge_litert.tools.benchmark_litert_model", f"--model={path}"]
        options = [f"--num_runs={_RUNS}", "--warmup_runs=50", f"--result_json={told}"]
        subprocess.run([*command, *options], check=True, capture_output=True)
        return _p50(json.loads(told.read_text()))


def _p50(value: Any) -> float:
    """The number called p50 or median, wherever it stands."""
    for name, inner in value.items():
        if isinstance(inner, dict):
            return _p50(inner)
        if re.search("p50|median", name):
            return float(inner)
    raise RuntimeError(f"the tool tells no p50: {value}")


def onnx_tool(path: Path) -> float:
    """p50 that ONNX Runtime's own tool tells, milliseconds."""
    command = ["onnxruntime_perf_test", "-I", "-x", "1", "-y", "1", "-r", str(_RUNS), "-m", "times", str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    (seconds,) = re.findall(r"P50 Latency: ([0-9.e+-]+) s", done.stdout)
    return 1e3 * float(seconds)


def agreement(path: Path, tool: Callable[[Path], float], rounds: int) -> measuring.Ratio:
    """The profile's p50 by the tool's, both measured in every round."""
    ours, theirs = [], []
    for i in range(rounds):
        for mine in (True, False) if i % 2 else (False, True):
            (ours if mine else theirs).append(profiled(path) if mine else tool(path))
    return measuring.paired(ours, theirs)


def main() -> None:
    """Prints a line a figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", default="ssc-net-1-9")
    parser.add_argument("--rounds", type=int, default=20, help="turns of each loop")
    parser.add_argument("--tool-rounds", type=int, default=8)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    results: dict[str, Any] = {"network": options.network, "runs_a_turn": _RUNS}
    with tempfile.TemporaryDirectory() as name:
        torch.manual_seed(0)
        checkpoint = Path(name) / "net.pt"
        torch.save(named(options.network).state_dict(), checkpoint)
        files = ssc_deploy.export(
            checkpoint, to=["onnx", "tflite"], output=Path(name) / "files", atol=1.0, rtol=1.0
        ).files
        paths = {file.format.value: file.path for file in files}
        for form, path in paths.items():
            found = overhead(path, options.rounds)
            reached = abs(found.value - 1) <= OVERHEAD_TARGET
            results[f"overhead_{form}"] = {**found.to_dict(), "target": OVERHEAD_TARGET, "reached": reached}
            print(
                f"harness / bare loop, {form:7} {found.value:.4f} [{found.interval.low:.4f}, {found.interval.high:.4f}]"
            )
        tools = {"tflite": ("litert-benchmark", litert_tool)}
        if shutil.which("onnxruntime_perf_test"):
            tools["onnx"] = ("onnxruntime_perf_test", onnx_tool)
        for form, (title, tool) in tools.items():
            ratio = agreement(paths[form], tool, options.tool_rounds)
            reached = abs(ratio.median - 1) <= AGREEMENT_TARGET
            results[f"agreement_{title}"] = {
                **dataclasses.asdict(ratio),
                "target": AGREEMENT_TARGET,
                "reached": reached,
            }
            print(f"profile / {title:17} {ratio}")
    measuring.write(options.json, "profile_overhead", results)


if __name__ == "__main__":
    main()
