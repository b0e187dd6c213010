"""What the harness of ``ssc-deploy profile`` adds to the runtime's own call, and whether LiteRT's own tool agrees.

    python -m benchmarks.profile_overhead MODEL... [--rounds 20] [--tool-rounds 8] [--json FILE]

Overhead: the loop of ``profiling/runner/latency.py`` and a bare loop around the same call on the same loaded file take
turns; the figure is the ratio of their p50, turn by turn, with its 95 % interval. Agreement: a job of the profile and
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

from benchmarks import measuring
from ssc_deploy import runtimes
from ssc_deploy.profiling import goldens, preparing
from ssc_deploy.profiling import statistics as figures
from ssc_deploy.profiling.job import Protocol
from ssc_deploy.profiling.runner.latency import timed, warm_up
from ssc_deploy.profiling.runner.runtimes import load
from ssc_deploy.profiling.targets import parse

if TYPE_CHECKING:
    from collections.abc import Callable

OVERHEAD_TARGET, AGREEMENT_TARGET = 0.02, 0.05

_RUNS = 250

#: One turn of the profile's job in the comparison with a tool, of about as many runs.
_TURN = Protocol(runs=_RUNS, seconds=0.0, repeats=5, operator_runs=0, fresh_processes=0)


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
    runtime = runtimes.runtime_for(path)
    inputs = goldens.golden_arrays(path, runtime, runtime.load(path)).inputs
    call = load(path, 1).feed([np.ascontiguousarray(array[0]) for array in inputs])
    warm_up(call, 10, 0.5)
    harness, plain = [], []
    for i in range(rounds):
        for ours in (True, False) if i % 2 else (False, True):
            warm_up(call, 2, 0.0)
            if ours:
                harness.append(timed(call, _RUNS, 0))
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
    parser.add_argument("models", type=Path, nargs="+", metavar="MODEL", help=".onnx or .tflite")
    parser.add_argument("--rounds", type=int, default=20, help="turns of each loop; 0 for none")
    parser.add_argument("--tool-rounds", type=int, default=8, help="turns of profile and tool; 0 for none")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    tools = {".tflite": ("litert-benchmark", litert_tool)}
    if shutil.which("onnxruntime_perf_test"):
        tools[".onnx"] = ("onnxruntime_perf_test", onnx_tool)
    results: dict[str, Any] = {"runs_a_turn": _RUNS}
    for path in options.models:
        results[path.name] = found = {}
        if options.rounds:
            ratio = overhead(path, options.rounds)
            reached = abs(ratio.value - 1) <= OVERHEAD_TARGET
            found["to_bare_loop"] = {**ratio.to_dict(), "target": OVERHEAD_TARGET, "reached": reached}
            interval = f"[{ratio.interval.low:.4f}, {ratio.interval.high:.4f}]"
            print(f"{path.name}: harness / bare loop {ratio.value:.4f} {interval}", flush=True)
        if path.suffix in tools and options.tool_rounds:
            title, tool = tools[path.suffix]
            paired = agreement(path, tool, options.tool_rounds)
            reached = abs(paired.median - 1) <= AGREEMENT_TARGET
            found[f"to_{title}"] = {**dataclasses.asdict(paired), "target": AGREEMENT_TARGET, "reached": reached}
            print(f"{path.name}: profile / {title} {paired}", flush=True)
    measuring.write(options.json, "profile_overhead", results)


if __name__ == "__main__":
    main()
