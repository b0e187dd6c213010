"""Files load and compute the same in tflite-runtime 2.14.0, the last of its name, in an environment of its own."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from emit.tflite.cases import ARITHMETIC, DYNAMIC, MOVEMENT, shift_kernel
from emit.tflite.quantized import QuantizedTester
from emit.tflite.test_integers import CASES
from emit.tflite.tester import Tester, from_file, random, to_file

import ssc_deploy
from ssc_deploy.quantize.grid import Grid
from ssc_deploy.quantize.plan import Io
from ssc_deploy.runtimes.litert import LiteRT

CHECKPOINT = Path(__file__).parents[3] / "models" / "ssc-net-1-9" / "ssc_1_9.pt"
SCRIPT = Path(__file__).with_name("run_on_tflite_runtime.py")

pytestmark = [pytest.mark.slow, pytest.mark.needs("uv")]

# The wheels are for CPython 3.11 and want numpy 1.
PYTHON, PACKAGES = "3.11", ("tflite-runtime==2.14.0", "numpy<2")


@pytest.fixture(scope="session")
def tflite_runtime_python(request: pytest.FixtureRequest) -> Path:
    """Python of an environment with tflite-runtime, made once and kept in pytest's cache."""
    folder = request.config.cache.mkdir("tflite-runtime-2.14.0") / "env"
    python = folder / "bin" / "python"
    loads = [str(python), "-c", "import tflite_runtime.interpreter"]
    if not python.exists() or subprocess.run(loads, check=False, capture_output=True).returncode:
        own = sys.executable if sys.version_info[:2] == (3, 11) else PYTHON
        # Away from the project, whose constraints ask for numpy 2.
        elsewhere = tempfile.gettempdir()
        subprocess.run(["uv", "venv", "--quiet", "--clear", "--python", own, str(folder)], check=True, cwd=elsewhere)
        install = ["uv", "pip", "install", "--quiet", "--python", str(python), *PACKAGES]
        subprocess.run(install, check=True, cwd=elsewhere)
    return python


def test_old_runtime_loads_every_operator_and_computes_the_same(tflite_runtime_python: Path, tmp_path: Path) -> None:
    testers = [*ARITHMETIC.values(), *MOVEMENT.values(), *DYNAMIC.values()]
    exact = {id(tester) for tester in MOVEMENT.values()}
    inputs = [tester.input(batch=3) for tester in testers]
    for i, (tester, x) in enumerate(zip(testers, inputs, strict=True)):
        model = np.frombuffer(tester.build(), np.uint8)
        np.savez(tmp_path / f"{i:03}.npz", model=model, x=to_file(x))
    done = subprocess.run(
        [str(tflite_runtime_python), str(SCRIPT), str(tmp_path)], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    for i, (tester, x) in enumerate(zip(testers, inputs, strict=True)):
        with np.load(tmp_path / f"{i:03}.out.npz") as file:
            tester.assert_equal([file[name] for name in file.files], x, exact=id(tester) in exact)


def test_old_runtime_computes_integers_of_a_plan_within_a_step_and_moves_every_byte(
    tflite_runtime_python: Path, tmp_path: Path
) -> None:
    # One step of that convolution is many of the cut-off behind it, whose grid is finer.
    single = [tester for name, tester in CASES.items() if name != "conv clip -1..1"]
    cases = [(QuantizedTester.of(tester, io=Io.INT8), 1) for tester in single]
    moved = Tester((1, 9, 16, 17)).op("Conv", shift_kernel(9), group=9, pads=[1] * 4, name="moved")
    moved.op("Conv", random(4, 9, 1, 1)).output("moved")
    for zero_point in (-128, -3, 0, 5, 127):
        tester = QuantizedTester.of(moved, io=Io.INT8)
        grids = tester.plan.grids | dict.fromkeys(["input", "moved"], Grid(0.03125, zero_point))
        cases.append((dataclasses.replace(tester, plan=dataclasses.replace(tester.plan, grids=grids)), 0))
    every = np.resize(np.arange(-128, 128, dtype=np.int8), (1, 9, 16, 17))
    inputs = []
    for i, (tester, steps) in enumerate(cases):
        shape = [size if isinstance(size, int) else 2 for size in tester.model.graph.inputs[0].shape]
        inputs.append(every if not steps else tester.plan.grids["input"].integers(random(*shape)))
        model = np.frombuffer(tester.build(), np.uint8)
        np.savez(tmp_path / f"{i:03}.npz", model=model, x=to_file(inputs[-1]))
    done = subprocess.run(
        [str(tflite_runtime_python), str(SCRIPT), str(tmp_path)], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    for i, ((tester, steps), x) in enumerate(zip(cases, inputs, strict=True)):
        with np.load(tmp_path / f"{i:03}.out.npz") as file:
            got = from_file(file[file.files[0]]).astype(np.float64)
        expected = tester.expected(tester.plan.grids["input"].numbers(x))[0]
        assert np.abs(got - expected).max() <= steps + 1e-5


def test_old_runtime_computes_a_whole_network_as_the_new_one_does(tflite_runtime_python: Path, tmp_path: Path) -> None:
    exported = ssc_deploy.export(CHECKPOINT, to="tflite", output=tmp_path / "exported")
    file = exported.files[0].path
    x = to_file(random(1, 3, 32, 32))
    np.savez(tmp_path / "net.npz", model=np.frombuffer(file.read_bytes(), np.uint8), x=x)
    done = subprocess.run(
        [str(tflite_runtime_python), str(SCRIPT), str(tmp_path)], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    expected = LiteRT().load(file).run([x])[0]
    with np.load(tmp_path / "net.out.npz") as outputs:
        (got,) = (outputs[name] for name in outputs.files)
    # Both sum up some 20 convolutions in float32, in orders of their own.
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-4 * np.abs(expected).max())
