"""Any activation beside a shuffle: under channel-major the file has both ends of every movement, and is verified."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import ssc_deploy

ACTIVATIONS = {
    "SiLU": nn.SiLU(),
    "Hardswish": nn.Hardswish(),
    "Tanh": nn.Tanh(),
    "GELU": nn.GELU(),
    "one slope a channel": nn.PReLU(16),
}


class Net(nn.Module):
    """Group pointwise, shuffle and activation in either order, a roll, group pointwise."""

    def __init__(self, activation: str, first: str):
        super().__init__()
        self.stem, self.head = nn.Conv2d(3, 16, 3, 2, 1), nn.Linear(16, 3)
        self.a, self.b = nn.Conv2d(16, 16, 1, groups=4), nn.Conv2d(16, 16, 1, groups=4)
        self.activation, self.first = ACTIVATIONS[activation], first == "activation"

    def forward(self, x):
        y = self.a(self.stem(x))
        y = self.activation(y) if self.first else y
        y = y.unflatten(1, (4, 4)).transpose(1, 2).flatten(1, 2)
        y = y if self.first else self.activation(y)
        y = torch.cat([y[:, :8].roll(1, 3), y[:, 8:]], 1)
        return self.head(self.b(y).mean((2, 3)))


@pytest.mark.quick(1)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("first", ["activation", "shuffle"])
def test_every_movement_is_found_and_bit_exact(activation: str, first: str, tmp_path) -> None:
    exported = ssc_deploy.export(
        None,
        model=f"{__file__}:Net",
        args={"activation": activation, "first": first},
        input_shape=(1, 3, 8, 8),
        to="tflite",
        layout="channel-major",
        output=tmp_path,
    )
    movements = exported.files[0].verification.movements
    assert movements.exact == movements.total == 2
