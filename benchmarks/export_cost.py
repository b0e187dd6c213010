"""What ``ssc-deploy export`` costs, verification included, against ``torch.onnx.export(optimize=False)`` alone.

    python -m benchmarks.export_cost [--rounds 3] [--to onnx|tflite ...] [--shift one-hot|stacked|rolls ...]
                                    [--json FILE]
    python -m benchmarks.export_cost --litert-torch [--rounds 3] [--json FILE]

Both export SSC-Net-6-9, each time in a fresh process of one thread. PyTorch always gets the network with one-hot
depthwise shifts, which suits it best; ssc-deploy gets it with its shift modules written in each of the ways of
`benchmarks.networks`. Time is the CPU time (user and system) of the process and of all that it starts; memory is the
resident set of the largest of them at its peak (onnxsim, beside it, takes 150 MB when that peak is over). This process
imports nothing heavy: what a process inherits when it is started counts in its peak.

With ``--litert-torch``, the .tflite of a MobileNetV2 of 5.4 M parameters at 224 x 224 instead, against litert-torch's
conversion, which verifies nothing, in its environment of `benchmarks.peers`.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks import measuring

ROOT = Path(__file__).parents[1]
SHIFTS = ("one-hot", "stacked", "rolls")
CPU_TARGET, MEMORY_TARGET = 2.0, 1.5
LITERT_TORCH_TARGET = 1.5

#: The command line, without an installed script.
CLI = "from ssc_deploy.cli import main; main()"


@dataclass(frozen=True)
class Cost:
    """Of one process and its children.

    Attributes:
        cpu: user and system time in seconds.
        memory: largest resident set in MB.
    """

    cpu: float
    memory: float


def cost(command: list[str], output: Path | None = None) -> Cost:
    """Runs a command on one thread to its end.

    Args:
        command: and its arguments.
        output: what it prints as its result goes there.

    Raises:
        RuntimeError: the command failed.
    """
    environment = {**os.environ, **measuring.ONE_THREAD}
    with tempfile.TemporaryFile() as said, Path(output or os.devnull).open("wb") as printed:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=printed, stderr=said)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            raise RuntimeError(f"{command} failed:\n{said.read().decode(errors='replace')}")
    return Cost(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1e3)


def beside_litert_torch(rounds: int, json: Path | None) -> None:
    """Prints what both cost, and their ratio."""
    from benchmarks.peers import environments

    python = environments.python("litert-torch", environments.default_cache())
    with tempfile.TemporaryDirectory() as folder:
        commands = {
            "litert-torch": [str(python), "-m", "benchmarks.litert_torch_export", f"{folder}/theirs.tflite"],
            "ssc-deploy": [
                *(sys.executable, "-c", CLI, "export", "--output", f"{folder}/ours", "--overwrite", "--to", "tflite"),
                *("--model", "benchmarks/networks.py:large_mobilenet", "--input-shape", "1,3,224,224"),
            ],
        }
        costs: dict[str, list[Cost]] = {name: [] for name in commands}
        for _ in range(rounds):
            for name, command in commands.items():
                costs[name].append(cost(command))
    cpu = {name: [one.cpu for one in samples] for name, samples in costs.items()}
    memory = {name: [one.memory for one in samples] for name, samples in costs.items()}
    for name in commands:
        print(f"{name:18} {statistics.median(cpu[name]):6.1f} s CPU   {statistics.median(memory[name]):6.0f} MB")
    ratio = measuring.paired(cpu["ssc-deploy"], cpu["litert-torch"], LITERT_TORCH_TARGET)
    print(f"    CPU time {ratio}")
    content = {name: {"cpu_seconds": cpu[name], "memory_mb": memory[name]} for name in commands}
    measuring.write(json, "export_cost_litert_torch", {"exports": content, "cpu_ratio": ratio})


def main() -> None:
    """Prints a line a spelling."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--to", action="append", choices=["onnx", "tflite"], help="default: both in one export")
    parser.add_argument("--shift", action="append", choices=SHIFTS, help="default: all spellings")
    parser.add_argument("--litert-torch", action="store_true", help="another network, against litert-torch")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if options.litert_torch:
        beside_litert_torch(options.rounds, options.json)
        return
    formats = options.to or ["onnx", "tflite"]
    with tempfile.TemporaryDirectory() as folder:
        plain = [sys.executable, "-m", "benchmarks.plain_export", f"{folder}/plain.onnx"]
        ours = {
            shift: [
                *(sys.executable, "-c", CLI, "export", "--output", f"{folder}/{shift}", "--overwrite"),
                *("--model", "benchmarks/networks.py:ssc_net", "--arg", f"shift={shift}", "--input-shape", "1,3,32,32"),
                *(argument for to in formats for argument in ("--to", to)),
            ]
            for shift in options.shift or SHIFTS
        }
        costs: dict[str, list[Cost]] = {name: [] for name in ("torch.onnx.export", *ours)}
        for _ in range(options.rounds):
            for name, command in {"torch.onnx.export": plain, **ours}.items():
                costs[name].append(cost(command))
    theirs = costs["torch.onnx.export"]
    results = {}
    for name, samples in costs.items():
        cpu, memory = [s.cpu for s in samples], [s.memory for s in samples]
        print(f"{name:18} {statistics.median(cpu):6.1f} s CPU   {statistics.median(memory):6.0f} MB")
        results[name] = {"cpu_seconds": cpu, "memory_mb": memory}
        if samples is not theirs:
            results[name]["cpu_ratio"] = measuring.paired(cpu, [s.cpu for s in theirs], CPU_TARGET)
            results[name]["memory_ratio"] = measuring.paired(memory, [s.memory for s in theirs], MEMORY_TARGET)
            print(f"    CPU time {results[name]['cpu_ratio']}\n    memory   {results[name]['memory_ratio']}")
    measuring.write(options.json, "export_cost", {"to": formats, "exports": results})


if __name__ == "__main__":
    main()
