"""Runs a command on a processor with AVX-512 as if it had AVX2 alone, so that both can be measured on one machine.

    python -m benchmarks.avx2_alone --folder DIR -- python -m benchmarks.quantized times ...

Neither ONNX Runtime nor LiteRT can be told which instructions to use: they ask the processor (CPUID). So they are
copied to DIR, each CPUID in the copies is replaced by an invalid instruction of the same length, and `avx2_alone.c`
answers in its place. The kernels run at full speed. Needs x86-64 Linux, objdump and a C compiler.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

#: Packages whose libraries ask the processor.
PACKAGES = ("onnxruntime", "ai_edge_litert")

_CPUID, _UD2 = b"\x0f\xa2", b"\x0f\x0b"
_INSTRUCTION = re.compile(r"^\s+([0-9a-f]+):\t0f a2 +\tcpuid", re.MULTILINE)
_SECTION = re.compile(r"^\s*\d+ \S+\s+([0-9a-f]+)\s+([0-9a-f]+)\s+[0-9a-f]+\s+([0-9a-f]+)", re.MULTILINE)


def places(library: Path) -> list[int]:
    """Where in the file of a library its CPUID instructions are."""
    sections = [[int(number, 16) for number in found] for found in _SECTION.findall(_objdump("-h", library))]
    addresses = [int(found, 16) for found in _INSTRUCTION.findall(_objdump("-dw", library))]
    return [
        offset + address - start
        for address in addresses
        for size, start, offset in sections
        if start <= address < start + size
    ]


def limited(library: Path) -> int:
    """Replaces the CPUID instructions of a library, in place; returns how many there were."""
    found = places(library)
    content = bytearray(library.read_bytes())
    for place in found:
        if content[place : place + 2] != _CPUID:
            raise ValueError(f"{library}: there is no CPUID at {place}")
        content[place : place + 2] = _UD2
    library.write_bytes(content)
    return len(found)


def prepare(folder: Path) -> dict[str, str]:
    """Copies and limits the runtimes; returns the environment for what is to use them."""
    folder.mkdir(parents=True, exist_ok=True)
    handler = folder / "avx2_alone.so"
    source = Path(__file__).with_suffix(".c")
    compiler = os.environ.get("CC", "cc")
    subprocess.run([compiler, "-O1", "-shared", "-fPIC", "-o", str(handler), str(source)], check=True)
    for name in PACKAGES:
        target = folder / name
        if target.exists():
            continue
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            continue
        partial = folder / f"{name}.partial"
        shutil.rmtree(partial, ignore_errors=True)
        shutil.copytree(Path(spec.origin).parent, partial)
        for library in partial.rglob("*.so*"):
            if library.is_file():
                print(f"{library.name}: {limited(library)} CPUID instructions", file=sys.stderr)
        partial.rename(target)
    path = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH", "")]))
    return {**os.environ, "LD_PRELOAD": str(handler), "PYTHONPATH": path}


def _objdump(option: str, library: Path) -> str:
    return subprocess.run(["objdump", option, str(library)], check=True, capture_output=True, text=True).stdout


def main() -> None:
    """Runs the command, and ends with its exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, required=True, help="of the copies; kept for the next run")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    environment = prepare(options.folder.resolve())
    sys.exit(subprocess.run(options.command, env=environment, check=False).returncode)


if __name__ == "__main__":
    main()
