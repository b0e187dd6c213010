"""How a range should follow from what was seen: the figures behind `planning.DEFAULT_METHOD`.

    python -m benchmarks.quantization_choices --images DATA [--confirm DATA] [--json FILE] [--method NAME ...]

Ranges follow from 512 images of the training part of DATA. The methods are compared on ``--count`` others of it, as
the plan alone makes it (`quantize.simulation`: exact arithmetic between the grids), on the trained networks of
``models/``. What was chosen so is confirmed once on ``--confirm DATA``, images of the test part.

A method's figures are the points of top-1 that are lost against float32, with the 95 % interval of the paired
difference, and the ratio of signal to noise of the outputs. Of ratios of noise the paired bootstrap over images gives
the interval, against the default method.
"""

from __future__ import annotations

import argparse
import functools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks import measuring
from benchmarks.quantized import CARDS, described
from ssc_deploy.exporting import stages
from ssc_deploy.quantize import calibration, calibration_data, places, planning, ranges, rounding, sharing
from ssc_deploy.quantize.grid import decibels
from ssc_deploy.quantize.plan import Plan
from ssc_deploy.quantize.simulation import Simulation
from ssc_deploy.signature import of_image
from ssc_deploy.source import open_source
from ssc_deploy.verification import accuracy

if TYPE_CHECKING:
    from collections.abc import Callable

    import onnx_ir as ir

    from ssc_deploy.quantize.calibration_data import HeldOut
    from ssc_deploy.quantize.grid import Grid
    from ssc_deploy.quantize.histogram import Histogram

#: Images that are in memory at once.
_AT_ONCE = 250

_RESAMPLED = 400

#: Beside those that a user can name: other shares that a percentile leaves out.
TAILS = {"percentile 1e-3": 1e-3, "percentile 1e-4": 1e-4}

_SIGNATURE = of_image((1, 3, 32, 32))


def methods() -> dict[str, Callable[[Histogram], Grid]]:
    """Ways from a histogram to a grid, by name."""
    tails = {name: functools.partial(ranges.percentile, tail=tail) for name, tail in TAILS.items()}
    return {**ranges.METHODS, **tails}


def outputs(network: Simulation, images: HeldOut) -> np.ndarray:
    """The outputs [N, classes]."""
    parts = [slice(start, start + _AT_ONCE) for start in range(0, len(images), _AT_ONCE)]
    return np.concatenate([network.outputs(images.inputs(part))[0] for part in parts])


def rounded(model: ir.Model, seen: list[Histogram], method: Callable[[Histogram], Grid]) -> Simulation:
    """A network whose ranges follow by a method."""
    plan = Plan(sharing.grids(places.places(model), seen, method), places.kernels(model))
    copied = model.clone()
    rounding.round_kernels(copied, plan)
    return Simulation(copied, plan)


def noise_ratio(exact: np.ndarray, one: np.ndarray, other: np.ndarray) -> dict[str, float]:
    """By how many dB ``one`` has less noise than ``other``, with its 95 % interval over images."""
    squares = [((y.astype(np.float64) - exact) ** 2).sum(1) for y in (other, one)]
    rng = np.random.default_rng(0)
    drawn = (rng.integers(len(exact), size=len(exact)) for _ in range(_RESAMPLED))
    found = [decibels(squares[0][rows].sum(), squares[1][rows].sum()) for rows in drawn]
    low, high = np.percentile(found, [2.5, 97.5])
    return {"decibels": decibels(squares[0].sum(), squares[1].sum()), "low": float(low), "high": float(high)}


def compared(exact: np.ndarray, found: dict[str, np.ndarray], labels: np.ndarray, base: str) -> dict[str, Any]:
    """The figures of each method on the same images."""
    rows = {}
    for name, given in found.items():
        signal, noise = (exact.astype(np.float64) ** 2).sum(), ((exact.astype(np.float64) - given) ** 2).sum()
        rows[name] = {
            "accuracy": accuracy.compared(exact, given, labels).to_dict(),
            "sqnr": decibels(float(signal), float(noise)),
            "less_noise_than_base": noise_ratio(exact, given, found[base]),
        }
    return rows


def show(net: str, rows: dict[str, Any]) -> None:
    """Prints a line a method; of a network that was never trained, no accuracy."""
    for name, row in rows.items():
        lost, ratio = row.get("accuracy"), row["less_noise_than_base"]
        top1 = f"top-1 lost {lost['drop']:+.2f} ± {lost['interval']:.2f}   " if lost else ""
        print(
            f"{net:14} {name:30} {top1}SQNR {row['sqnr']:.2f} dB"
            f"   {ratio['decibels']:+.2f} dB [{ratio['low']:+.2f}, {ratio['high']:+.2f}]",
            flush=True,
        )


def main() -> None:
    """Prints a line a method and network."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--confirm", type=Path)
    parser.add_argument("--count", type=int, default=5_000)
    parser.add_argument("--method", action="append", help="default: all")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    chosen = {name: one for name, one in methods().items() if name in (options.method or methods())}
    results = {}
    for net, folder in CARDS.items():
        about = described(net)
        model = stages.canonicalise(open_source(folder / about.checkpoint)).model
        given = {"preprocessing": about.preprocessing, "labels": about.labels}
        data = calibration_data.open_data(options.images, _SIGNATURE, held_out=options.count, **given)
        held_out = data.held_out
        if options.confirm is not None:
            held_out = calibration_data.labelled(options.confirm, _SIGNATURE, **given)
        assert held_out is not None  # the classes of the images are those of the network
        seen = calibration.histograms(model, places.places(model).groups, data.inputs)
        exact = outputs(Simulation(model), held_out)
        found = {name: outputs(rounded(model, seen, one), held_out) for name, one in chosen.items()}
        base = planning.DEFAULT_METHOD if planning.DEFAULT_METHOD in found else next(iter(found))
        results[net] = compared(exact, found, held_out.labels, base)
        show(net, results[net])
    measuring.write(options.json, "quantization_choices", json.loads(json.dumps({"networks": results})))


if __name__ == "__main__":
    main()
