"""A small network as somebody else would write it: own names, shifts made of rolls, channel by channel."""

import os
import signal

import torch
from torch import nn


class Nudge(nn.Module):
    """Moves channel c by one of nine steps; what would wrap around is blanked."""

    def forward(self, x):
        height, width = x.shape[2:]
        planes = []
        for c in range(x.shape[1]):
            down, right = c // 3 % 3 - 1, c % 3 - 1
            plane = torch.roll(x[:, c : c + 1], (-down, -right), dims=(2, 3)).clone()
            if down > 0:
                plane[:, :, height - down :] = 0
            if down < 0:
                plane[:, :, :-down] = 0
            if right > 0:
                plane[..., width - right :] = 0
            if right < 0:
                plane[..., :-right] = 0
            planes.append(plane)
        return torch.cat(planes, 1)


class Net(nn.Module):
    def __init__(self, groups=2, classes=4):
        super().__init__()
        width = 9 * groups
        self.entry = nn.Sequential(nn.Conv2d(3, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU())
        self.nudge = Nudge()
        self.local = nn.Sequential(nn.Conv2d(width, width, 1, groups=groups, bias=False), nn.BatchNorm2d(width))
        self.groups = groups
        self.between = nn.Identity()
        self.out = nn.Linear(width, classes)

    def forward(self, x):
        x = self.entry(x)
        y = self.local(self.nudge(x))
        n, _, h, w = y.shape
        y = y.view(n, self.groups, 9, h, w).transpose(1, 2).reshape(n, -1, h, w)
        return self.out(self.between(y + x).mean((2, 3)))


class Grey(nn.Sequential):
    """Of one channel, with ten classes."""

    def __init__(self):
        super().__init__(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 10))


class Determinant(nn.Module):
    def forward(self, x):
        return x * torch.linalg.det(x[:, :2, :2, :2] @ x[:, :2, :2, :2])[:, :1, None, None]


class Decide(nn.Module):
    def forward(self, x):
        return x if x.sum() > 0 else -x


class Flip(nn.Module):
    def forward(self, x):
        return x.flip(3)


class Interrupt(nn.Module):
    def forward(self, x):
        # Only the reference that a written file is compared with runs in float64.
        if x.dtype == torch.float64:
            os.kill(os.getpid(), signal.SIGINT)
        return x


class Summing(Net):
    """With an operator that ONNX has and TFLite emission has not."""

    def __init__(self):
        super().__init__()
        self.between = Determinant()


class Deciding(Net):
    """Its way depends on values."""

    def __init__(self):
        super().__init__()
        self.between = Decide()


class Flipping(Net):
    """With a movement that is no shift."""

    def __init__(self):
        super().__init__()
        self.between = Flip()


class Interrupted(Net):
    """Presses Ctrl-C while its file is being verified."""

    def __init__(self):
        super().__init__()
        self.between = Interrupt()
