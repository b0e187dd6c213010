"""A runtime's own benchmark program on a phone, where the demo app is not: how it is called, and what it prints.

TFLite's ``benchmark_model`` tells no single times, only the first, the last, the mean and the extremes of a process. So
a process is started for each sample, and asked for one run after its warm-up. ONNX Runtime's ``onnxruntime_perf_test``
writes the time of every run into a file, so a process is a turn.

Neither is given the golden inputs, nor shows its outputs: what is timed so is not known to be right.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ssc_deploy.errors import TargetError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

#: ``e_machine`` of an ELF file, and Android's name of it.
_ABIS = {183: "arm64-v8a", 40: "armeabi-v7a", 62: "x86_64", 3: "x86", 243: "riscv64"}

#: Seconds that ``benchmark_model`` warms up before its run.
_WARM_UP = 0.05


@dataclass(frozen=True)
class Load:
    """What a process told of its beginning, in nanoseconds.

    Attributes:
        load_ns: from the file to a model that can be run.
        first_ns: the first inference.
    """

    load_ns: int
    first_ns: int


@dataclass(frozen=True)
class Kind:
    """A runtime's benchmark program.

    Attributes:
        title: for people.
        mark: in the program file, and in no other's.
        suffix: of the models that it runs.
        package: that `Environment.runtimes` names.
        note: how its times are taken.
        many_a_process: whether a process tells the times of many runs.
        turn: its line of shell for so many runs, from (program and what starts it, model, threads, runs).
        samples: nanoseconds of the runs, from what that printed.
        load: what it printed of its beginning; None if it does not tell.
    """

    title: str
    mark: bytes
    suffix: str
    package: str
    note: str
    many_a_process: bool
    turn: Callable[[Sequence[str], str, int, int], str]
    samples: Callable[[str], list[int]]
    load: Callable[[str], Load | None]


def _tflite_turn(program: Sequence[str], model: str, threads: int, runs: int) -> str:
    options = (
        *(f"--graph={model}", f"--num_threads={threads}", "--num_runs=1", "--min_secs=0"),
        *("--warmup_runs=1", f"--warmup_min_secs={_WARM_UP}", "--use_xnnpack=true"),
    )
    return f"i=0; while [ $i -lt {runs} ]; do {shlex.join([*program, *options])} 2>&1 || exit; i=$((i+1)); done"


def _tflite_samples(text: str) -> list[int]:
    """One a process: the mean of its only run."""
    return [round(1000 * float(told)) for told in re.findall(r"Inference \(avg\): ([\d.e+]+)", text)]


def _tflite_load(text: str) -> Load | None:
    told = re.search(r"Inference timings in us: Init: (\d+), First inference: (\d+)", text)
    return Load(1000 * int(told[1]), 1000 * int(told[2])) if told else None


def _onnx_turn(program: Sequence[str], model: str, threads: int, runs: int) -> str:
    times = "times.csv"
    options = ["-I", "-e", "cpu", "-m", "times", "-r", str(runs), "-x", str(threads), "-y", "1", model, times]
    return f"rm -f {times}; {shlex.join([*program, *options])} 2>&1 && cat {times}"


def _onnx_samples(text: str) -> list[int]:
    """Lines of the file: model, seconds, peak working set, share of the processor, number of the run."""
    lines = re.findall(r"^[^,\n]*,([\d.eE+-]+),\d+,[\d.eE+-]+,\d+\s*$", text, re.MULTILINE)
    return [round(1e9 * float(seconds)) for seconds in lines]


def _onnx_load(text: str) -> Load | None:
    told = re.search(r"Session creation time cost: ?([\d.eE+-]+) ?s", text)
    first = re.search(r"First inference time cost: ?([\d.eE+-]+) ?ms", text)
    return Load(round(1e9 * float(told[1])), round(1e6 * float(first[1]))) if told and first else None


KINDS = (
    Kind(
        title="onnxruntime_perf_test",
        mark=b"onnxruntime",
        suffix=".onnx",
        package="onnxruntime",
        note="timed by onnxruntime_perf_test: a process for each turn, on inputs of its own",
        many_a_process=True,
        turn=_onnx_turn,
        samples=_onnx_samples,
        load=_onnx_load,
    ),
    Kind(
        title="benchmark_model",
        mark=b"warmup_min_secs",
        suffix=".tflite",
        package="ai-edge-litert",
        note=f"timed by benchmark_model: a process for each sample, after {_WARM_UP:g} s of warm-up, on random inputs",
        many_a_process=False,
        turn=_tflite_turn,
        samples=_tflite_samples,
        load=_tflite_load,
    ),
)


def kind_of(program: Path, abis: Sequence[str]) -> Kind:
    """Which runtime's it is.

    Args:
        program: the file here.
        abis: that the phone runs, as Android names them.

    Raises:
        TargetError: it cannot be read, is not a program of the phone, or of no runtime that is known.
    """
    try:
        data = program.read_bytes()
    except OSError as error:
        raise TargetError(f"{program} cannot be read: {error.strerror}") from error
    machine = int.from_bytes(data[18:20], "little") if data[:4] == b"\x7fELF" else None
    if machine is None:
        raise TargetError(
            f"{program} is not a program for Android: give the benchmark program itself, built with the NDK"
        )
    abi = _ABIS.get(machine, f"machine {machine}")
    if abi not in abis:
        raise TargetError(
            f"{program} is built for {abi}, and the phone runs {', '.join(abis)}; give the one that is built for it"
        )
    for kind in KINDS:
        if kind.mark in data:
            return kind
    raise TargetError(
        f"{program} is not a benchmark program that is known here; known are "
        f"{' and '.join(kind.title for kind in KINDS)}"
    )
