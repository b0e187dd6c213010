"""A profile of float32 and quantised files of one network tells them side by side."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from cli.tester import ssc

import ssc_deploy
from ssc_deploy import golden
from ssc_deploy.profiling import Profile
from ssc_deploy.report import page

if TYPE_CHECKING:
    from pathlib import Path

NETWORK = ("--arch", "shift-net", "--arg", "B=1", "--arg", "e=1", "--input-shape", "1,3,16,16", "--to", "tflite")


@pytest.mark.slow
def test_float32_and_int8_stand_in_one_table(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.random.default_rng(0).normal(size=(40, 3, 16, 16)).astype(np.float32))
    folder = tmp_path / "out"
    int8 = ("--quantize", "int8", "--calibration", tmp_path / "x.npy", "--exclude", "head")
    for more in ((), int8):
        outcome = ssc("export", *NETWORK, "-o", folder, *more)
        assert outcome.code == 0, outcome.err
    plain, quantized = sorted(folder.glob("*.tflite"), key=lambda path: len(path.name))
    outcome = ssc(
        *("profile", plain, quantized, "--quick", "--json", tmp_path / "p.json", "--report", tmp_path / "p.html")
    )
    assert outcome.code == 0, outcome.err
    saved = Profile.from_dict(json.loads((tmp_path / "p.json").read_text()))
    (beside,) = saved.quantized
    assert (beside.model, beside.plain) == (1, 0)
    assert beside.how == "int8 · float32: head"
    assert beside.size == quantized.stat().st_size / plain.stat().st_size
    assert beside.latency is not None
    assert beside.latency.interval.low <= beside.latency.value <= beside.latency.interval.high
    assert beside.sqnr is not None
    assert beside.sqnr > 15
    assert beside.inputs == 16
    line = next(line for line in outcome.out.splitlines() if "int8 · float32: head" in line)
    assert f"{beside.sqnr:.1f} dB" in line
    assert f"{beside.size:.3f}" in line
    assert "Quantised files" in (tmp_path / "p.html").read_text()
    assert page.render(saved).count("int8 · float32: head") == 1
    assert (beside.right, beside.right_plain) == (None, None)  # noise is of no class
    known = golden.read(golden.path_beside(plain))
    best = known.outputs[0].values.argmax(1)
    best[0] += 1  # float32 is wrong there
    pictures = tuple(golden.Named(f"picture-{i}", int(label)) for i, label in enumerate(best))
    for path in (plain, quantized):
        beside_it = golden.path_beside(path)
        beside_it.write_bytes(dataclasses.replace(golden.read(beside_it), pictures=pictures).to_bytes())
    (alone,) = ssc_deploy.profile(quantized, quick=True).quantized  # the float32 file stands beside it
    assert (alone.plain, alone.latency) == (None, None)
    assert (alone.size, alone.sqnr, alone.same) == (beside.size, beside.sqnr, beside.same)
    own = golden.read(golden.path_beside(quantized)).outputs[0].values.argmax(1)
    assert (alone.right, alone.right_plain) == (int((own == best).sum()), 15)


@pytest.mark.slow
def test_a_quantised_file_alone_tells_how_it_is_quantised(tmp_path: Path) -> None:
    outcome = ssc("export", *NETWORK, "-o", tmp_path, "--quantize", "float16")
    assert outcome.code == 0, outcome.err
    (file,) = tmp_path.glob("*.tflite")
    (beside,) = ssc_deploy.profile(file, quick=True).quantized
    assert (beside.how, beside.plain, beside.latency, beside.size) == ("float16", None, None, None)
