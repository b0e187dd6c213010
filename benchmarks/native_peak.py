"""The FMA peak of this processor for each vector width, and the share of it that the native kernels reach.

    python -m benchmarks.native_peak [--json FILE] [--compiler gcc]

The peak is that of a loop that works in registers alone. It is what bounds a float32 network; the sgemm of a library
is not, since some libraries do not use all that a processor has. The shapes are layers of SSC-Net-6-9. One thread, CPU
time, the shortest of 200 turns (`native_peak.c`).
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks import measuring

SOURCE = Path(__file__).with_suffix(".c")
KERNELS = Path(__file__).parents[1] / "ssc_deploy" / "native"


@dataclass(frozen=True)
class Layer:
    """A layer of linear rows, as one instruction set computes it.

    Attributes:
        gmacs: 1e9 multiply-adds a second.
        share: of the peak of the instruction set.
    """

    name: str
    gmacs: float
    share: float


@dataclass(frozen=True)
class Set:
    """An instruction set of this processor: 1e9 multiply-adds a second from registers alone, and its layers."""

    name: str
    peak_gmacs: float
    layers: tuple[Layer, ...]


def measure(compiler: str = "gcc") -> tuple[Set, ...]:
    """The instruction sets of this processor.

    Raises:
        subprocess.CalledProcessError: the compiler refuses the program, or the program breaks off.
    """
    sources = [SOURCE, *sorted(KERNELS.glob("kernels_*.c")), KERNELS / "dispatch.c", KERNELS / "pack.c"]
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "native_peak"
        subprocess.run(
            [compiler, "-std=c11", "-O2", f"-I{KERNELS}", *map(str, sources), "-o", str(program)], check=True
        )
        printed = subprocess.run([str(program)], check=True, capture_output=True, text=True).stdout
    lines = [line.split() for line in printed.splitlines()]
    rows = [words for words in lines if words[0] == "rows"]
    return tuple(
        Set(
            name=name,
            peak_gmacs=float(gmacs),
            layers=tuple(Layer(row[2], float(row[3]), float(row[4])) for row in rows if row[1] == name),
        )
        for kind, name, gmacs, *_ in lines
        if kind == "peak"
    )


def main() -> None:
    """Prints a line a layer."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--compiler", default="gcc")
    options = parser.parse_args()
    sets = measure(options.compiler)
    for each in sets:
        print(f"{each.name}: peak {each.peak_gmacs:.1f} GMAC/s")
        for layer in each.layers:
            print(f"  {layer.name:32} {layer.gmacs:6.1f} GMAC/s, {layer.share:4.0%} of the peak")
    measuring.write(
        options.json, "native_peak", {"compiler": options.compiler, "sets": [asdict(each) for each in sets]}
    )


if __name__ == "__main__":
    main()
