"""Measures the checkpoint's top-1 accuracy in PyTorch on an ImageFolder zip, for model.toml.

python models/ssc-net-1-9/measure.py cifar10-jpeg-test.zip
"""

from __future__ import annotations

import argparse
import io
import zipfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from ssc_deploy import card
from ssc_deploy.source import open_source

HERE = Path(__file__).parent
BATCH = 250


@torch.no_grad()
def main() -> None:
    """Prints how many of the zip's pictures are classified as their folder says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="zip with <anything>/<class>/<picture>")
    arguments = parser.parse_args()
    described = card.read(HERE / card.FILE_NAME)
    source = open_source(HERE / described.checkpoint)
    if source.module is None or source.preprocessing is None:
        raise SystemExit("the card must name the preprocessing.")
    mean = torch.tensor(source.preprocessing.mean).view(-1, 1, 1)
    std = torch.tensor(source.preprocessing.std).view(-1, 1, 1)
    right = total = 0
    with zipfile.ZipFile(arguments.data) as archive:
        names = sorted(name for name in archive.namelist() if name.endswith((".jpg", ".png")))
        for start in range(0, len(names), BATCH):
            part = names[start : start + BATCH]
            pixels = np.stack([np.asarray(Image.open(io.BytesIO(archive.read(n))).convert("RGB")) for n in part])
            pictures = torch.from_numpy(pixels).permute(0, 3, 1, 2).float()
            truth = torch.tensor([source.labels.index(name.split("/")[-2]) for name in part])
            right += int((source.module((pictures / 255 - mean) / std).argmax(1) == truth).sum())
            total += len(part)
    print(f"top-1 {right / total:.4f} ({right} of {total})")


if __name__ == "__main__":
    main()
