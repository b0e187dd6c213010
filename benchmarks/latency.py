"""How fast the exported files of SSC-Net-6-9 run, against plain exports of the same network.

    python -m benchmarks.latency [--rounds 40] [--runs 10] [--lowerings auto|all] [--folder DIR] [--json FILE]

The plain exports are ``torch.onnx.export(optimize=False)`` of the network with the same weights and with its shift
written as pad + 9 slices + stack, and as pad + 9 slices + concat on the view (N, G, 9, H, W), the better of the two.
Our own export with ``--shift slice`` is that graph at its best: one Slice a window, all else as in our files. Every
file is verified against the network in float64 before it is timed. Batch 1, one thread, the runtimes' own default
optimisations. All files take turns in every round; a round's figure is the median of its runs, in CPU time, which on
one thread is the latency without what other processes of the machine take.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

import ssc_deploy
from benchmarks import measuring, plain_export
from benchmarks.networks import ssc_net
from ssc_deploy import batches, lower, runtimes
from ssc_deploy.errors import LoweringError
from ssc_deploy.runtimes.litert import LiteRT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ssc_deploy.runtimes import Runner

#: What our ``.onnx`` may take of the time of each of these.
ONNX_TARGETS = {"plain, stacked": 0.45, "plain, joined": 0.70, "onnx shift=slice": 0.70}
#: Likewise the ``.tflite`` of the time of the ``.onnx``, and channel-major of that of NHWC.
LITERT_TARGET, CHANNEL_MAJOR_TARGET = 1.00, 0.84


def files(folder: Path, lowerings: str) -> dict[str, Path]:
    """The plain exports and ours, verified; those that the folder has already are not made again."""
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint = folder / "ssc_6_9.pt"
    torch.save(ssc_net().state_dict(), checkpoint)
    found = {f"plain, {shift}": folder / f"{shift}.onnx" for shift in ("stacked", "joined")}
    for shift, path in zip(("stacked", "joined"), found.values(), strict=True):
        if path.exists():
            continue
        draft = path.with_stem(f"{shift}-unverified")
        plain_export.export(draft, ssc_net(shift))
        report = ssc_deploy.verify(checkpoint, draft)
        if not report.ok:
            raise RuntimeError(f"the plain export is wrong: {report}")
        draft.rename(path)
    choices: list[dict[str, str]] = [{}, {"shift": "slice"}, {"layout": "channel-major"}]
    if lowerings == "all":
        pairs = itertools.product(lower.SHIFTS.names, lower.SHUFFLES.names)
        choices += [{"shift": shift, "shuffle": shuffle} for shift, shuffle in pairs]
    for choice in choices:
        named = [f"{option}={value}" for option, value in choice.items()]
        for form in ("onnx", "tflite"):
            path = folder / "-".join([form, *named]) / f"{checkpoint.stem}.{form}"
            try:
                if not path.exists():
                    ssc_deploy.export(checkpoint, to=form, output=path.parent, **choice)
            except LoweringError:
                continue  # a lowering for the other runtime
            found[" ".join([form, *named])] = path
    return found


def measure(runners: dict[str, Runner], rounds: int, runs: int) -> dict[str, list[float]]:
    """Median CPU seconds of one run in each round, by name."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((1, 3, 32, 32), np.float32)
    inputs = {
        name: [
            batches.stored(
                x if runner.inputs[0].shape[1] == 3 else np.ascontiguousarray(x.transpose(0, 2, 3, 1)), runner.inputs[0]
            )
        ]
        for name, runner in runners.items()
    }
    seconds: dict[str, list[float]] = {name: [] for name in runners}
    for _ in range(rounds):
        for name, runner in runners.items():
            runner.run(inputs[name])  # brings the file's weights back into the caches
            seconds[name].append(statistics.median(_timed(runner, inputs[name]) for _ in range(runs)))
    return seconds


def _timed(runner: Runner, inputs: Sequence[np.ndarray]) -> float:
    start = time.process_time()
    runner.run(inputs)
    return time.process_time() - start


def main() -> None:
    """Prints a line a file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--runs", type=int, default=10, help="of each file in a round")
    parser.add_argument("--lowerings", default="auto", choices=["auto", "all"])
    parser.add_argument("--folder", type=Path, help="keeps the files, and takes those of an earlier run")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        paths = files(options.folder or Path(name), options.lowerings)
        runners = {name: runtimes.runtime_for(path).load(path, threads=1) for name, path in paths.items()}
        tflite = {name: path for name, path in paths.items() if path.suffix == ".tflite"}
        partitions = {name: LiteRT().delegates(path) for name, path in tflite.items()}
        whole = {name: LiteRT().whole_in_delegate(path) for name, path in tflite.items()}
    seconds = measure(runners, options.rounds, options.runs)
    results = {}
    for name, samples in seconds.items():
        ratio = measuring.paired(samples, seconds["plain, stacked"])
        results[name] = {"p50_ms": 1e3 * statistics.median(samples), "ratio_to_plain_export": ratio}
        if name in partitions:
            results[name]["delegate_partitions"] = partitions[name]
            results[name]["whole_in_delegate"] = whole[name]
        note = ""
        if name in partitions:
            note = f" · {partitions[name]} delegate partition(s){'' if whole[name] else ', and operators outside'}"
        print(f"{name:40} {results[name]['p50_ms']:7.2f} ms   {ratio}{note}")
    onnx = {name: measuring.paired(seconds["onnx"], seconds[name], target) for name, target in ONNX_TARGETS.items()}
    for name, ratio in onnx.items():
        print(f"{f'onnx / {name}':40} {'':10}   {ratio}")
    between = measuring.paired(seconds["tflite"], seconds["onnx"], LITERT_TARGET)
    print(f"{'tflite on LiteRT / onnx on ONNX Runtime':40} {'':10}   {between}")
    layouts = measuring.paired(seconds["tflite layout=channel-major"], seconds["tflite"], CHANNEL_MAJOR_TARGET)
    print(f"{'tflite, channel-major / NHWC':40} {'':10}   {layouts}")
    ratios = {"onnx_to": onnx, "tflite_to_onnx": between, "channel_major_to_nhwc": layouts}
    measuring.write(options.json, "latency", {"files": results, **ratios})


if __name__ == "__main__":
    main()
