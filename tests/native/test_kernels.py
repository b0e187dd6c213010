"""The kernels in C: each instruction set gives the bits of the plain C, at each boundary of a tile."""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence

KERNELS = Path(__file__).parents[2] / "ssc_deploy" / "native"
#: The kernels do not need the rest of the engine.
SOURCES = [*sorted(KERNELS.glob("kernels_*.c")), *(KERNELS / name for name in ("dispatch.c", "pack.c", "parallel.c"))]
CHECK = Path(__file__).parent / "check_kernels.c"
FLAGS = ["-std=c11", "-g", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror", "-ffp-contract=off"]
x86 = pytest.mark.skipif(platform.machine() not in {"x86_64", "AMD64"}, reason="instruction sets of x86-64")


def compiled(compiler: str, folder: Path, *options: str, sources: Sequence[Path] = SOURCES) -> Path:
    program = folder / "check"
    command = [compiler, *FLAGS, f"-I{KERNELS}", *options, str(CHECK), *map(str, sources), "-lm", "-o", str(program)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return program


def sets_of(command: list[str]) -> list[str]:
    """The instruction sets that agreed with the plain C in all comparisons."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    *sets, last = done.stdout.splitlines()
    count = re.fullmatch(r"(\d+) comparisons", last)
    assert count
    assert int(count[1]) > 20000 * len(sets)
    return sets


def of_this_processor() -> list[str]:
    flags = Path("/proc/cpuinfo").read_text(encoding="utf-8").split() if platform.system() == "Linux" else []
    return ["scalar", *(["avx2"] if {"avx2", "fma"} <= {*flags} else []), *(["avx512"] if "avx512f" in flags else [])]


@pytest.mark.slow
@x86
@pytest.mark.parametrize(
    "compiler",
    [
        pytest.param("gcc", marks=pytest.mark.needs("gcc")),
        pytest.param("clang", marks=[pytest.mark.needs("clang"), pytest.mark.slow]),
    ],
)
def test_each_set_of_this_processor_gives_the_bits_of_the_plain_c(compiler: str, tmp_path: Path) -> None:
    assert sets_of([str(compiled(compiler, tmp_path, "-O2"))]) == of_this_processor()


@pytest.mark.slow
@x86
@pytest.mark.needs("gcc")
def test_the_sanitizers_find_nothing(tmp_path: Path) -> None:
    program = compiled("gcc", tmp_path, "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
    assert sets_of([str(program)]) == of_this_processor()


@pytest.mark.slow
@pytest.mark.needs("aarch64-linux-gnu-gcc", "qemu-aarch64-static")
def test_neon_gives_the_bits_of_the_plain_c(tmp_path: Path) -> None:
    program = compiled("aarch64-linux-gnu-gcc", tmp_path, "-O2", "-static")
    assert sets_of(["qemu-aarch64-static", str(program)]) == ["scalar", "neon"]


@pytest.mark.slow
@x86
@pytest.mark.needs("gcc")
def test_the_text_for_avx512_is_right_on_any_processor(tmp_path: Path) -> None:
    """With its intrinsics in plain C, since few processors have them: this proves the text, not the compiled code."""
    text = (KERNELS / "kernels_avx512.c").read_text(encoding="utf-8")
    target = '#pragma GCC target("avx512f")\n'
    assert text.count(target) == 1
    copy = tmp_path / "kernels_avx512.c"
    copy.write_text(text.replace(target, "").replace("ssc_avx512_kernels", "avx512_in_c"), encoding="utf-8")
    options = ["-O1", "-std=c11", "-Wall", "-Wextra", f"-I{CHECK.parent / 'avx512_in_c'}", f"-I{KERNELS}"]
    subprocess.run(["gcc", *options, "-c", str(copy), "-o", str(tmp_path / "set.o")], check=True)
    program = compiled("gcc", tmp_path, "-O2", "-DALSO=avx512_in_c", sources=[*SOURCES, tmp_path / "set.o"])
    assert sets_of([str(program)]) == [*of_this_processor(), "avx512"]


@pytest.mark.needs("gcc")
@pytest.mark.parametrize("name", [path.name for path in SOURCES])
def test_kernels_call_nothing_outside_themselves(name: str, tmp_path: Path) -> None:
    objects = tmp_path / "kernels.o"
    subprocess.run(["gcc", "-std=c11", "-O2", "-c", str(KERNELS / name), "-o", str(objects)], check=True)
    symbols = subprocess.run(["nm", "-u", str(objects)], capture_output=True, text=True, check=True).stdout
    outside = set(re.findall(r"U (\w+)", symbols)) - {"memcpy", "memset", "_GLOBAL_OFFSET_TABLE_"}
    assert all(symbol.startswith("ssc_") for symbol in outside)


@pytest.mark.slow
@pytest.mark.needs("gcc")
@pytest.mark.parametrize("sanitizer", ["-O2", pytest.param("-fsanitize=thread", marks=pytest.mark.slow)])
def test_pools_of_threads_give_the_bytes_of_one_thread(sanitizer: str, tmp_path: Path) -> None:
    """ThreadSanitizer needs addresses that are not random, on the kernels of some systems."""
    program = tmp_path / "check_threads"
    threads = KERNELS / "threads" / "ssc_threads.c"
    sources = [str(CHECK.parent / "check_threads.c"), *map(str, SOURCES), str(threads)]
    command = ["gcc", *FLAGS, sanitizer, f"-I{KERNELS}", *sources, "-lm", "-lpthread", "-o", str(program)]
    subprocess.run(command, check=True)
    still = ["setarch", "-R"] if shutil.which("setarch") else []
    done = subprocess.run([*still, str(program)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout == "240 right of 240\n"
