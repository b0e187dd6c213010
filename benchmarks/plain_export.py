"""What PyTorch alone does: ``torch.onnx.export(optimize=False)`` of SSC-Net, as ssc-deploy is compared with.

python -m benchmarks.plain_export FILE.onnx [--shift one-hot|stacked|joined|rolls] [-B 6] [-G 9]
"""

from __future__ import annotations

import argparse
import logging
import warnings
from pathlib import Path

import torch

from benchmarks.networks import SHIFTS, ssc_net

PICTURE = (1, 3, 32, 32)


def export(path: Path, network: torch.nn.Module, x: torch.Tensor | None = None) -> None:
    """Writes the network as the exporter makes it, unoptimised, for inputs like ``x`` (default: one `PICTURE`)."""
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # its notes on torchvision, which nobody here needs
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        example = (torch.zeros(PICTURE) if x is None else x,)
        program = torch.onnx.export(network, example, dynamo=True, optimize=False, verbose=False)
    assert program is not None  # None is for the exporter of old, which writes to a file
    program.save(path)


def main() -> None:
    """Exports once."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--shift", default="one-hot", choices=list(SHIFTS))
    parser.add_argument("-B", type=int, default=6)
    parser.add_argument("-G", type=int, default=9)
    options = parser.parse_args()
    export(options.file, ssc_net(options.shift, options.B, options.G))


if __name__ == "__main__":
    main()
