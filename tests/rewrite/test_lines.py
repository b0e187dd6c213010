"""Movements along one axis: signals [N, C, L] and tokens [N, L, C] that were never an image."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

import ssc_deploy

LENGTH = 10


def padded(x: torch.Tensor) -> torch.Tensor:
    return torch.cat([functional.pad(h, by) for h, by in zip(x.chunk(2, 1), [(1, -1), (-1, 1)], strict=True)], 1)


def rolled_and_masked(x: torch.Tensor) -> torch.Tensor:
    y = x.roll(2, 2).clone()
    y[:, :, :2] = 0
    return y


def assigned(x: torch.Tensor) -> torch.Tensor:
    y = torch.zeros_like(x)
    y[:, :4, 1:], y[:, 4:, :-1] = x[:, :4, :-1], x[:, 4:, 1:]
    return y


def convolved(x: torch.Tensor) -> torch.Tensor:
    taps = torch.eye(3)[[0, 2, 1, 1, 0, 2, 0, 1]][:, None]
    return functional.conv1d(x, taps.to(x), padding=1, groups=8)


def wrapped(x: torch.Tensor) -> torch.Tensor:
    return torch.cat([x[:, :3].roll(1, 2), x[:, 3:].roll(-2, 2)], 1)


def repeated(x: torch.Tensor) -> torch.Tensor:
    return torch.cat([torch.cat([x[:, :4, :1], x[:, :4, :-1]], 2), x[:, 4:]], 1)


def shuffled(x: torch.Tensor) -> torch.Tensor:
    n, c, length = x.shape
    return x.view(n, 2, c // 2, length).transpose(1, 2).reshape(n, c, length)


def flipped(x: torch.Tensor) -> torch.Tensor:
    return x.flip(2)


SHIFTS = [padded, rolled_and_masked, assigned, convolved, wrapped, repeated]

#: By movement: shifts, shuffles, and movements left alone.
CASES = [*((move, (1, 0, 0)) for move in SHIFTS), (shuffled, (0, 1, 0)), (flipped, (0, 0, 1))]


class Line(nn.Module):
    """The movement between two layers over the channels, of a signal, or of tokens that are turned for the movement."""

    def __init__(self, move, *, tokens: bool) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.move, self.tokens = move, tokens
        layer = nn.Linear if tokens else lambda i, o: nn.Conv1d(i, o, 1)
        self.first, self.second = layer(3, 8), layer(8, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.first(x))
        x = self.move(x.transpose(1, 2)).transpose(1, 2) if self.tokens else self.move(x)
        return self.second(torch.relu(x))


@pytest.mark.quick(4)
@pytest.mark.parametrize("tokens", [False, True])
@pytest.mark.parametrize(("move", "expected"), CASES)
def test_movements_along_a_line_are_counted_and_exact(move, expected, tokens: bool, tmp_path) -> None:
    net = Line(move, tokens=tokens).eval()
    shape = (1, LENGTH, 3) if tokens else (1, 3, LENGTH)
    result = ssc_deploy.export(net, input_shape=shape, to=("onnx", "tflite"), output=tmp_path)
    left = sum(refusal.looked_for == "shift or shuffle" for refusal in result.rewrite.refusals)
    assert (result.rewrite.shifts, result.rewrite.shuffles, left) == expected
    x = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    with torch.no_grad():
        y = net.double()(torch.from_numpy(x).double()).numpy()
    for file in result.files:
        (value,) = ssc_deploy.run(file.path, x).values()
        np.testing.assert_allclose(value, y, atol=1e-6 * np.abs(y).max())


@pytest.mark.quick(1)
@pytest.mark.parametrize("pad", [0, 1])
def test_tokens_that_move_as_a_whole_are_a_shift(pad: int, tmp_path) -> None:
    class Mixed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Linear(3, 8), nn.Linear(8, 4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = torch.relu(self.first(x))
            moved = functional.pad(x, (0, 0, 1, -1)) if pad else x.roll(1, 1)
            return self.second(torch.relu(x + 0.5 * moved))

    assert ssc_deploy.export(Mixed(), input_shape=(1, LENGTH, 3), output=tmp_path).rewrite.shifts == 1
