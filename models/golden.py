"""Picks a model's 64 golden pictures from an ImageFolder zip of CIFAR-10 test pictures, balanced over the classes.

    python models/golden.py models/ssc-net-1-9 cifar10-jpeg-test.zip [--seed 2026]

Class c gives 6 pictures, and the first four classes a seventh; written as lossless PNG to golden/ in that folder,
with their true labels in golden/labels.csv. Another seed gives another model other pictures.
"""

from __future__ import annotations

import argparse
import csv
import io
import random
import shutil
import zipfile
from pathlib import Path

from PIL import Image

from ssc_deploy import card as cards

COUNT = 64


def chosen(names: list[str], labels: tuple[str, ...], seed: int) -> list[tuple[str, str]]:
    """(file in the zip, label) of the pictures, class by class."""
    draw = random.Random(seed)  # noqa: S311 - a fixed choice, no secret
    picked = []
    for index, label in enumerate(labels):
        own = sorted(name for name in names if name.split("/")[-2:-1] == [label] and name.endswith((".jpg", ".png")))
        count = COUNT // len(labels) + (index < COUNT % len(labels))
        picked += [(name, label) for name in sorted(draw.sample(own, count))]
    return picked


def main() -> None:
    """Reads the zip, writes the pictures and their list."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="folder with a card that lists the labels")
    parser.add_argument("data", type=Path, help="zip with <anything>/<class>/<picture>")
    parser.add_argument("--seed", type=int, default=2026)
    arguments = parser.parse_args()
    labels = cards.read(arguments.model / cards.FILE_NAME).labels
    golden = arguments.model / "golden"
    shutil.rmtree(golden, ignore_errors=True)
    golden.mkdir()
    with zipfile.ZipFile(arguments.data) as archive, (golden / cards.GOLDEN_LABELS).open("w", newline="") as listed:
        writer = csv.writer(listed, lineterminator="\n")
        writer.writerow(["file", "label"])
        for name, label in chosen(archive.namelist(), labels, arguments.seed):
            file = f"{label}-{Path(name).stem}.png"
            with Image.open(io.BytesIO(archive.read(name))) as picture:
                picture.convert("RGB").save(golden / file, optimize=True)
            writer.writerow([file, label])


if __name__ == "__main__":
    main()
