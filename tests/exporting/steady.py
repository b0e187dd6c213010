"""A network whose weights follow from numpy alone, and images that it knows; another program has quantised it.

python -m tests.exporting.steady FOLDER       # writes the .tflite file and the images
python benchmarks/quantizers/ai_edge.py FOLDER/steady.tflite FOLDER/images.npy FOLDER/ai_edge_int8.tflite int8
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn

import ssc_deploy

SHAPE = (1, 3, 6, 5)

#: The network as ai-edge-quantizer 0.10 quantised it.
AI_EDGE = Path(__file__).parent / "files" / "ai_edge_int8.tflite"


class Steady(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU())
        self.body = nn.Sequential(nn.Conv2d(8, 8, 1), nn.ReLU())
        self.head = nn.Linear(8, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits [N, 5] of ``x`` [N, 3, H, W]."""
        logits: torch.Tensor = self.head(self.body(self.stem(x)).mean((2, 3)))
        return logits


def network(seed: int = 0) -> nn.Module:
    """One of several networks of the same kind."""
    drawn, module = np.random.default_rng(seed), Steady().eval()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.from_numpy(drawn.normal(size=parameter.shape, scale=0.5).astype(np.float32)))
        module.head.bias -= module(torch.from_numpy(images(400))).mean(0)  # each class is the best of some images
    return module


def images(count: int) -> np.ndarray:
    """Noise of different colours, float32 [count, 3, 6, 5]."""
    drawn = np.random.default_rng(1)
    return (drawn.normal(size=(count, 3, 1, 1)) + 0.2 * drawn.normal(size=(count, *SHAPE[1:]))).astype(np.float32)


def answers() -> tuple[np.ndarray, np.ndarray]:
    """Images of clear classes, and these."""
    drawn = images(400)
    with torch.no_grad():
        logits = network()(torch.from_numpy(drawn))
    clear = (logits.topk(2).values.diff().abs().flatten() > 0.3).numpy()
    return drawn[clear], logits.argmax(1).numpy()[clear]


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    ssc_deploy.export(network(), to="tflite", input_shape=SHAPE, output=folder, overwrite=True)
    # That program takes the mean of the ranges of single images, so that it is given those of the widest, and wider.
    drawn = images(400)
    np.save(folder / "images.npy", 2 * drawn[np.abs(drawn).max((1, 2, 3)).argsort()[-40:]])
