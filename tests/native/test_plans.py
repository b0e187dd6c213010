"""The engine runs plans: right values, the same bits on every processor, nothing outside of exact buffers."""

from __future__ import annotations

import platform
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
from native.plans import CASES, all_planned, planned

from ssc_deploy.native import compiling, words
from ssc_deploy.native.library import Engine, load

CHECK = Path(__file__).parent / "check_plans.c"

#: Operators, or uses of them, that the engine has no kernel for.
WITHOUT_KERNEL = frozenset(
    {
        *("Acos", "Acosh", "ArgMax", "ArgMin", "Asin", "Asinh", "Atan", "Atanh", "BatchNormalization", "Celu"),
        *("Col2Im", "ConvTranspose", "Cos", "Cosh", "CumSum", "Einsum", "GRU", "GatherElements", "GatherND"),
        *("GlobalLpPool", "GridSample", "IsInf", "IsNaN", "LRN", "LSTM", "LpNormalization", "Mean", "Mod", "RNN"),
        *("ReduceLogSum", "ReduceLogSumExp", "ScatterElements", "ScatterND", "Shrink", "Sin", "Sinh", "Tan"),
        *("ThresholdedRelu", "TopK", "Trilu", "Xor"),
    }
)
#: Graphs with a use of an operator that is not carried out: lines and volumes, computed weights, whole numbers.
WITHOUT_USE = re.compile(
    r"computed|rank [35]|SAME_|by tanh|whole|casts|cast like|antialiased|vector|gemm of a transposed|embedding"
)


@pytest.mark.quick(20)
@pytest.mark.parametrize("name", CASES)
def test_the_engine_computes_what_the_graph_says(name: str) -> None:
    found = planned(name)
    if found is None:
        operators = {node.op_type for node in CASES[name].nodes}
        assert operators & WITHOUT_KERNEL or WITHOUT_USE.search(name)
        pytest.skip("the engine has no kernel for it")
    for value, wanted in zip(Engine(found.plan).run([found.x]), found.expected, strict=True):
        np.testing.assert_allclose(value, wanted, rtol=1e-5, atol=1e-5)


def results(folder: Path, command: list[str]) -> dict[str, bytes]:
    """What the program writes for every case."""
    lines = []
    for i, found in enumerate(all_planned().values()):
        paths = [folder / f"{i}.{end}" for end in ("plan", "weights", "input", "output")]
        for path, array in zip(paths, (found.plan.words, found.plan.weights, found.x), strict=False):
            path.write_bytes(np.ascontiguousarray(array).tobytes())
        lines.append(" ".join(map(str, paths)))
    done = subprocess.run(command, input="\n".join(lines), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not done.stderr
    return {name: (folder / f"{i}.output").read_bytes() for i, name in enumerate(all_planned())}


def built(folder: Path, *options: str, compiler: str = "gcc") -> str:
    program = folder / "check"
    files = [str(CHECK), *(str(one) for one in compiling.sources() if one.suffix == ".c")]
    command = [compiler, *compiling.FLAGS, *options, f"-I{compiling.SOURCES}", *files, "-lpthread", "-o", str(program)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return str(program)


def of_this_processor() -> dict[str, bytes]:
    """What Python's own run gives: its arena holds zeros before, not NaN."""
    return {
        name: b"".join(value.tobytes() for value in Engine(found.plan).run([found.x]))
        for name, found in all_planned().items()
    }


@pytest.mark.slow
@pytest.mark.needs("gcc")
def test_nothing_outside_of_exact_buffers_is_touched_and_what_the_arena_held_is_not_read(tmp_path: Path) -> None:
    program = built(tmp_path, "-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
    assert results(tmp_path, [program]) == of_this_processor()


@pytest.mark.slow
@pytest.mark.needs("gcc")
def test_eight_threads_run_one_plan_without_a_race(tmp_path: Path) -> None:
    assert results(tmp_path, [built(tmp_path, "-g", "-fsanitize=thread"), "8"]) == of_this_processor()


@pytest.mark.needs("aarch64-linux-gnu-gcc", "qemu-aarch64-static")
@pytest.mark.skipif(platform.machine() not in {"x86_64", "AMD64"}, reason="compares x86-64 with ARM")
def test_arm_gives_the_bits_of_this_processor(tmp_path: Path) -> None:
    program = built(tmp_path, "-static", compiler="aarch64-linux-gnu-gcc")
    assert results(tmp_path, ["qemu-aarch64-static", program]) == of_this_processor()


def test_the_numbers_of_a_plan_are_those_of_the_header() -> None:
    text = (compiling.SOURCES / "ssc_engine.h").read_text(encoding="utf-8")
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    for name, kind, prefix in (
        ("ssc_step_kind", words.Kind, "SSC_STEP_"),
        ("ssc_function", words.Function, "SSC_"),
        ("ssc_pair", words.Pair, "SSC_"),
        ("ssc_reduction", words.Reduction, "SSC_"),
    ):
        body = re.search(rf"typedef enum {name} \{{(.*?)\}}", text, re.DOTALL)
        assert body
        listed = [item.split("=") for item in body[1].split(",")]
        at, found = 0, {}
        for one, *value in listed:
            at = int(value[0]) if value else at
            found[one.strip().removeprefix(prefix)] = at
            at += 1
        last = {"FUNCTIONS", "PAIRS", "REDUCTIONS"}
        assert {key: number for key, number in found.items() if key not in last} == kind.__members__
    sets = re.search(r"typedef enum ssc_set \{(.*?), SSC_SETS \}", (compiling.SOURCES / "kernels.h").read_text("utf-8"))
    assert sets
    assert [f"SSC_{one.name}" for one in words.Instructions] == re.findall(r"\w+", sets[1])
    assert f"STRIP = {words.STRIP}," in (compiling.SOURCES / "body_rows.h").read_text("utf-8")


def test_an_engine_gives_the_same_bits_with_plain_c() -> None:
    found = planned("conv")
    assert found
    plain, chosen = Engine(found.plan), Engine(found.plan)
    plain.use(words.Instructions.SCALAR)
    assert plain.run([found.x])[0].tobytes() == chosen.run([found.x])[0].tobytes()


@pytest.mark.slow
@pytest.mark.needs("gcc")
def test_a_plan_with_any_word_changed_is_refused_or_stays_in_its_buffers(tmp_path: Path) -> None:
    program = built(tmp_path, "-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
    generator = np.random.default_rng(0)
    found = list(all_planned().values())
    check, lines, refused = load().ssc_plan_check, [], 0
    for i in range(3000):
        plan, x, _ = found[generator.integers(len(found))]
        changed = plan.words.astype(np.int64)
        place = generator.integers(plan.words[8], len(changed))  # the header says how large the buffers are
        choices = [-1, 0, 2**31 - 1, -(2**31), changed[place] + 1, changed[place] * 2, changed[place] - 1]
        changed[place] = generator.choice(choices)
        written = changed.astype(np.int32)
        if check(written.ctypes.data_as(check.argtypes[0]), written.size) is not None:
            refused += 1
            continue
        paths = [tmp_path / f"{i}.{end}" for end in ("plan", "weights", "input", "output")]
        for path, array in zip(paths, (written, plan.weights, x), strict=False):
            path.write_bytes(np.ascontiguousarray(array).tobytes())
        lines.append(" ".join(map(str, paths)))
    assert refused > 1000
    assert len(lines) > 300
    done = subprocess.run([program], input="\n".join(lines), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
