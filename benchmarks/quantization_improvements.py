"""What makes integers better than plain rounding: the figures behind `plan.DEFAULT_IMPROVEMENTS`.

    python -m benchmarks.quantization_improvements --images DATA [--confirm DATA] [--json FILE]

Each choice is planned with 512 images of the training part of DATA, and compared on ``--count`` others of it, as the
plan alone makes it (`quantize.simulation`: exact arithmetic between the grids): on the trained networks of ``models/``,
and by the noise of its outputs on MobileNetV2 with seeded weights, as it is and with channels of very different scales
(`mobilenet`). All are confirmed once on ``--confirm DATA``, images of the test part. The figures are those of
`quantization_choices`; noise is compared with that of plain rounding.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from benchmarks import measuring
from benchmarks.quantization_choices import compared, outputs, show
from benchmarks.quantized import CARDS, described
from ssc_deploy import nets
from ssc_deploy.exporting import stages
from ssc_deploy.nets.mobilenet_v2 import InvertedResidual
from ssc_deploy.quantize import calibration_data, planning
from ssc_deploy.quantize.plan import Improvement, Quantization
from ssc_deploy.quantize.simulation import Simulation
from ssc_deploy.signature import of_image
from ssc_deploy.source import open_source

if TYPE_CHECKING:
    import numpy as np
    import onnx_ir as ir

    from ssc_deploy.quantize.calibration_data import CalibrationData, HeldOut

PLAIN = "none"
CHOICES = {PLAIN: (PLAIN,), **{one.value: (one.value,) for one in Improvement}, "all": tuple(Improvement)}

_SIGNATURE = of_image((1, 3, 32, 32))


def simulations(model: ir.Model, data: CalibrationData) -> dict[str, tuple[Simulation, float]]:
    """The network by each choice, with the CPU seconds that the plan took."""
    found = {}
    for name, improve in CHOICES.items():
        start = time.process_time()
        planned = planning.quantize(model, data, Quantization(calibration="-", improve=improve))
        found[name] = Simulation(planned.model, planned.plan), time.process_time() - start
    return found


def figures(model: ir.Model, made: dict[str, tuple[Simulation, float]], images: HeldOut) -> dict[str, Any]:
    """The figures of each choice on some images."""
    exact = outputs(Simulation(model), images)
    found = {name: outputs(simulated, images) for name, (simulated, _) in made.items()}
    rows = compared(exact, found, images.labels, PLAIN)
    return {name: {**row, "cpu_seconds": made[name][1]} for name, row in rows.items()}


def mobilenet(images: np.ndarray, octaves: float) -> nn.Module:
    """MobileNetV2 for CIFAR with ReLU in place of ReLU6, of seeded weights that are settled on images.

    Each channel between two convolutions of a block is multiplied by ``2^u``, and divided by it in the next one; ``u``
    is random, from -octaves to octaves.

    Args:
        images: float32 [N, 3, 32, 32].
        octaves: 0 for the network as it is.
    """
    network = nets.build("mobilenet-v2", classes=10, form="cifar").eval()
    for module in list(network.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.ReLU6):
                setattr(module, name, nn.ReLU())
    nets.randomise(network)
    nets.settle(network, torch.from_numpy(images))
    chance = torch.Generator().manual_seed(0)
    for block in network.modules():
        if not isinstance(block, InvertedResidual):
            continue
        convs = [module for module in block.modules() if isinstance(module, nn.Conv2d)]
        norms = [module for module in block.modules() if isinstance(module, nn.BatchNorm2d)]
        for norm, conv in zip(norms, convs[1:], strict=False):
            factor = 2.0 ** (octaves * (2 * torch.rand(norm.num_features, generator=chance) - 1))
            with torch.no_grad():
                norm.weight *= factor
                norm.bias *= factor
                conv.weight /= factor.reshape((-1, 1, 1, 1) if conv.groups > 1 else (1, -1, 1, 1))
    return network


def main() -> None:
    """Prints a line a choice and network."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--confirm", type=Path)
    parser.add_argument("--count", type=int, default=4_000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    results: dict[str, Any] = {}

    def keep(net: str, part: str, rows: dict[str, Any]) -> None:
        show(f"{net} {part}", rows)
        results.setdefault(net, {})[part] = rows
        measuring.write(options.json, "quantization_improvements", json.loads(json.dumps({"networks": results})))

    for net, folder in CARDS.items():
        about = described(net)
        given = {"preprocessing": about.preprocessing, "labels": about.labels}
        model = stages.canonicalise(open_source(folder / about.checkpoint)).model
        data = calibration_data.open_data(options.images, _SIGNATURE, held_out=options.count, **given)
        assert data.held_out is not None  # the classes of the images are those of the network
        made = simulations(model, data)
        keep(net, "chosen", figures(model, made, data.held_out))
        if options.confirm is not None:
            confirmed = calibration_data.labelled(options.confirm, _SIGNATURE, **given)
            keep(net, "confirmed", figures(model, made, confirmed))
    about = described("ssc-net-1-9")
    data = calibration_data.open_data(
        options.images, _SIGNATURE, held_out=500, preprocessing=about.preprocessing, labels=about.labels
    )
    assert data.held_out is not None
    for net, octaves in (("mobilenet-v2", 0.0), ("mobilenet-v2, badly scaled", 4.0)):
        module = mobilenet(data.inputs.arrays[0][:32], octaves)
        model = stages.canonicalise(open_source(None, model=module, input_shape=(1, 3, 32, 32))).model
        rows = figures(model, simulations(model, data), data.held_out)
        for row in rows.values():
            del row["accuracy"]  # it was never trained
        keep(net, "chosen", rows)


if __name__ == "__main__":
    main()
