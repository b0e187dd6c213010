"""Jobs for devices, made without what makes them for users."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from runtimes.networks import onnx_network, tflite_network

from ssc_deploy.profiling import runner_archive
from ssc_deploy.profiling.job import Golden, Job, ModelFile, Protocol
from ssc_deploy.runtimes.litert import LiteRT
from ssc_deploy.runtimes.onnxruntime import OnnxRuntime
from ssc_deploy.storage.digests import sha256_of
from ssc_deploy.verification.tolerance import Tolerance

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

#: A moment of measuring.
BRIEF = Protocol(1, 0.0, 10, 0.01, 2, 1, 0, 1)
#: Longer than any test waits.
ENDLESS = Protocol(1, 0.0, 10, 3600.0, 2, 1, 0, 1)


@dataclass(frozen=True)
class Asked:
    """A model with a golden set.

    Attributes:
        name: with its suffix.
        data: the file.
        inputs: float32 [R, *shape of the input].
        outputs: float64 [R, *shape of the output].
        bound: of their distance.
    """

    name: str
    data: bytes
    inputs: np.ndarray
    outputs: np.ndarray
    bound: Tolerance


def small(*suffixes: str, off_by: float = 0.0) -> list[Asked]:
    """One small network in each format, whose golden outputs are what the host computes, and ``off_by`` more."""
    asked = []
    for suffix in suffixes:
        onnx = suffix == ".onnx"
        data = onnx_network() if onnx else tflite_network()
        runner = (OnnxRuntime() if onnx else LiteRT()).load(data)
        x = np.random.default_rng(0).standard_normal((2, *runner.inputs[0].shape), np.float32)
        y = np.stack([runner.run([one])[0] for one in x]).astype(np.float64) + off_by
        asked.append(Asked(f"net{suffix}", data, x, y, Tolerance(1e-4, 1e-4)))
    return asked


def write(folder: Path, asked: Sequence[Asked], protocol: Protocol | None = BRIEF) -> Job:
    """Writes a job into a folder that is there."""
    models = []
    for index, model in enumerate(asked):
        file, golden = folder / f"model{index}.{model.name.rpartition('.')[2]}", folder / f"golden{index}.npz"
        file.write_bytes(model.data)
        np.savez(golden, **{"input.0": model.inputs, "output.0": model.outputs})
        golden_set = Golden(golden.name, sha256_of(golden), (model.bound,))
        models.append(ModelFile(model.name, file.name, sha256_of(file), len(model.data), golden_set))
    job = Job(secrets.token_hex(8), tuple(models), protocol=protocol)
    (folder / "job.json").write_text(json.dumps(job.to_dict()), encoding="utf-8")
    runner_archive.write(folder)
    return job
