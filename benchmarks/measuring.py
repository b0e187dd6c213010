"""What all benchmarks share: ratios that are paired by round, the machine they hold for, and the file they go to.

Times on a shared machine drift by tens of per cent from minute to minute. So whatever is compared takes turns in every
round, a ratio is formed within each round, and the median of these ratios is the result.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import statistics
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ssc_deploy.profiling import statistics as figures

if TYPE_CHECKING:
    from collections.abc import Sequence

SCHEMA_VERSION = 1

PACKAGES = ("ssc-deploy", "torch", "onnx", "onnx-ir", "onnxscript", "onnxruntime", "onnxsim", "ai-edge-litert", "numpy")

#: A variable for every library that would start threads of its own.
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


@dataclass(frozen=True)
class Ratio:
    """How much of the other's time (or memory) something takes.

    Attributes:
        median: of the ratios of all rounds.
        low: lower end of the 95 % interval of that median.
        high: upper end.
        rounds: number of ratios.
        target: what the median should not exceed; None where nothing was asked.
    """

    median: float
    low: float
    high: float
    rounds: int
    target: float | None = None

    @property
    def reached(self) -> bool:
        """Whether the median is within the target."""
        return self.target is None or self.median <= self.target

    def __str__(self) -> str:
        text = f"{self.median:.2f} [{self.low:.2f}, {self.high:.2f}]"
        if self.target is None:
            return text
        return f"{text}   target <= {self.target:.2f}: {'reached' if self.reached else 'MISSED'}"


@dataclass(frozen=True)
class Interval:
    """The median of a series, and its 95 % interval by order statistics.

    Attributes:
        median: of all samples.
        low: lower end of the interval.
        high: upper end.
    """

    median: float
    low: float
    high: float


def interval(samples: Sequence[float]) -> Interval:
    """The median of at least one sample with its interval.

    It is the one of order statistics, which assumes nothing about how the samples are distributed; below six samples
    it is their whole range.
    """
    found = figures.median_interval(samples)
    return Interval(statistics.median(samples), found.low, found.high)


def paired(ours: Sequence[float], theirs: Sequence[float], target: float | None = None) -> Ratio:
    """The ratio of two series that were measured in the same rounds, with the `interval` of its median."""
    found = interval([a / b for a, b in zip(ours, theirs, strict=True)])
    return Ratio(found.median, found.low, found.high, len(ours), target)


def machine() -> dict[str, Any]:
    """Kind of machine, and the versions of what ran on it."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return {
        "processor": names[0] if names else platform.processor(),
        "architecture": platform.machine(),
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
        "system": platform.system(),
        "python": platform.python_version(),
        "packages": {name: importlib.metadata.version(name) for name in PACKAGES},
    }


def write(path: Path | None, benchmark: str, results: dict[str, Any]) -> None:
    """Writes the results and the machine as JSON, where a path is given; a `Ratio` becomes its fields."""
    if path is None:
        return
    content = {"schema_version": SCHEMA_VERSION, "benchmark": benchmark, "machine": machine(), **results}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2, default=asdict) + "\n")
