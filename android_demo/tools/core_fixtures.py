"""What the Python side computes, for the app's own tests to compare with: bits of pictures, figures of samples.

    pictures.json    cases of preprocessing; each names an array of pixels and the input made from it, both .npy
    statistics.json  samples, turn by turn, with their `LatencyStats`
    intervals.json   values with the interval of their median, for each number of turns
    candidates.json  outputs of each kind with their most probable classes
    steps.json       real numbers as integers of 8 bits, and what these stand for
    arrays.npz       arrays of each type that the app reads, and arrays-compressed.npz the same

All is the same each time, and made by the code that users run, not by a copy of it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ssc_deploy import batches, output_kind, pictures
from ssc_deploy.metadata import CHANNELS, Preprocessing
from ssc_deploy.output_kind import OutputKind, probabilities
from ssc_deploy.profiling import statistics
from ssc_deploy.runtimes.protocol import Steps, TensorSpec

if TYPE_CHECKING:
    from pathlib import Path

#: Pictures that are scaled and cropped.
PICTURES = 200

_COLOURS = ("RGB", "BGR", "L")

#: (H, W) of networks.
_INPUTS = ((32, 32), (33, 47), (64, 24), (7, 5))

#: Sizes (H, W) at which rounding, growing, shrinking and cropping meet their limits.
_SIZES = ((1, 1), (1, 97), (97, 1), (2, 3), (31, 33), (32, 32), (33, 47), (64, 64), (65, 63), (240, 320), (301, 17))


def write(folder: Path) -> None:
    """Fills a folder, which is made where it is not there.

    Args:
        folder: files of older fixtures in it are overwritten.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(20240229)
    _write_json(folder / "pictures.json", [_picture(folder, index, rng) for index in range(PICTURES)])
    _write_json(folder / "statistics.json", [_statistics(turns) for turns in _samples(rng)])
    _write_json(folder / "intervals.json", [_interval(rng.normal(size=n)) for n in (*range(1, 60), 200, 1077, 5000)])
    _write_json(folder / "candidates.json", [_candidates(*pair) for pair in _outputs(rng)])
    _write_json(folder / "steps.json", [_steps(dtype, rng) for dtype in ("int8", "uint8") for _ in range(20)])
    arrays: dict[str, Any] = {
        "bytes": np.arange(256, dtype=np.uint8).reshape(2, 8, 16),
        "floats": np.array([[0.1, -0.0, np.inf]], np.float32),
        "doubles": rng.normal(size=5),
        "scalar": np.float64(0.1),
        "empty": np.zeros((0, 3), np.float32),
    }
    np.savez(folder / "arrays.npz", **arrays)
    np.savez_compressed(folder / "arrays-compressed.npz", **arrays)


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, allow_nan=False), encoding="utf-8")


def _picture(folder: Path, index: int, rng: np.random.Generator) -> dict[str, Any]:
    """One case; noise and edges, since flat pictures hide how sums are rounded."""
    size = _SIZES[index] if index < len(_SIZES) else tuple(int(side) for side in rng.integers(1, 160, 2))
    pixels = rng.integers(0, 256, (*size, 3)).astype(np.uint8)
    pixels[: size[0] // 3] = rng.choice([0, 255], (size[0] // 3, size[1], 3))
    colour, height_width = _COLOURS[index % 3], _INPUTS[index // 3 % len(_INPUTS)]
    layout = ("NCHW", "NHWC")[index % 2]
    channels = CHANNELS[colour]
    preprocessing = Preprocessing(
        mean=tuple(rng.uniform(0, 0.6, channels).tolist()),
        std=tuple(rng.uniform(0.1, 0.5, channels).tolist()),
        colour=colour,
    )
    fitted = pictures.read(pixels, colour, height_width, resize=True)
    expected = pictures.preprocess([fitted], preprocessing, layout)
    np.save(folder / f"picture{index}.npy", pixels)
    np.save(folder / f"input{index}.npy", expected)
    return {
        "pixels": f"picture{index}.npy",
        "input": f"input{index}.npy",
        "width": height_width[1],
        "height": height_width[0],
        "layout": layout,
        "colour": colour,
        "mean": preprocessing.mean,
        "std": preprocessing.std,
    }


def _samples(rng: np.random.Generator) -> list[list[list[int]]]:
    """Turns of one model: few and many, of unequal length, steady, drifting, disturbed, all alike."""

    def model(turns: int, runs: int, median: float, drift: float = 0.0, tail: float = 0.02) -> list[list[int]]:
        return [
            (median * (1 + drift * turn / turns) * np.exp(np.abs(rng.normal(0, tail, runs + turn % 4))))
            .astype(np.int64)
            .tolist()
            for turn in range(turns)
        ]

    return [
        [[5]],
        [[3, 1, 2]],
        [[10, 12], [11, 13, 9]],
        [[20] * 50, *[[30]] * 11],  # most runs are of one turn
        model(3, 4, 1e6),
        model(5, 5, 2e6),
        model(7, 40, 3e6, drift=0.3),
        model(20, 10, 4e5),
        model(20, 10, 4e5, tail=0.8),
        model(20, 12, 4.1e5, drift=-0.2),
        model(27, 30, 1e7, tail=0.5),
        model(20, 300, 1e5, tail=0.05),
        [[1000] * 10] * 20,
        model(101, 3, 1e9),
    ]


def _statistics(turns: list[list[int]]) -> dict[str, Any]:
    return {"turns": turns, "latency": statistics.latency(turns).to_dict()}


def _interval(values: npt.NDArray[np.float64]) -> dict[str, Any]:
    return {"values": values.tolist(), "interval": vars(statistics.median_interval(values))}


def _steps(dtype: str, rng: np.random.Generator) -> dict[str, Any]:
    """Numbers around the range of a random grid, ties among them, by `ssc_deploy.batches`."""
    low = int(np.iinfo(dtype).min)
    steps = Steps(float(np.float32(10.0 ** rng.uniform(-6, 3))), low + int(rng.integers(256)))
    spec = TensorSpec("x", (), dtype, steps)
    ties = (np.arange(-140, 400) + 0.5 - steps.zero_point) * steps.scale
    numbers = np.concatenate([ties, rng.normal(size=300) * 100 * steps.scale]).astype(np.float32)
    integers = batches.stored(numbers, spec)
    return {
        "dtype": dtype,
        "scale": steps.scale,
        "zero_point": steps.zero_point,
        "numbers": numbers.astype(float).tolist(),
        "integers": integers.tolist(),
        "real": batches.real(integers, spec).astype(float).tolist(),
    }


def _outputs(rng: np.random.Generator) -> list[tuple[npt.NDArray[np.float32], OutputKind]]:
    """Outputs of each kind that the app shows."""
    ties = np.array([1, 3, 3, -2, 3, 0.5], np.float32)
    far = np.array([-1e30, 88, 1e30, 0], np.float32)
    scores = [ties, far, *rng.normal(0, 5, (20, 100)).astype(np.float32)]
    shares = output_kind.softmax(rng.normal(0, 3, (3, 20))).astype(np.float32)
    pairs = [(logits, OutputKind.SCORES) for logits in scores]
    pairs += [(one, OutputKind.PROBABILITIES) for one in shares]
    pairs += [(np.log(one), OutputKind.LOG_PROBABILITIES) for one in shares]
    pairs += [(one, OutputKind.INDEPENDENT) for one in rng.uniform(0, 1, (3, 7)).astype(np.float32)]
    pairs += [(np.array([x], np.float32), OutputKind.LOGIT) for x in (-90, -2.5, 0, 0.0162, 1.5, 30)]
    pairs += [(np.array([0.25], np.float32), OutputKind.PROBABILITY), (ties, OutputKind.VALUES)]
    return pairs


def _candidates(logits: npt.NDArray[np.float32], kind: OutputKind) -> dict[str, Any]:
    """Of the first five classes, in the order that `predict.Model.predict` gives them."""
    shares = probabilities(kind, logits[None])
    best = np.arange(len(logits))[:5] if shares is None else np.argsort(-shares[0], kind="stable")[:5]
    return {
        "kind": kind.value,
        "logits": logits.tolist(),
        "indices": best.tolist(),
        "probabilities": None if shares is None else shares[0][best].tolist(),
    }
