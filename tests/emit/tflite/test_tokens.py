"""Tokens keep the layout of the image that they are made of: a transformer's block has four TRANSPOSE, one delegate."""

from __future__ import annotations

import torch
from emit.tflite.tester import METADATA
from torch import nn

from ssc_deploy.capture import capture
from ssc_deploy.emit.tflite import build
from ssc_deploy.lower import Target, lower
from ssc_deploy.rewrite import rewrite
from ssc_deploy.runtimes.litert import LiteRT
from ssc_deploy.signature import of_image

WIDTH, HEADS = 16, 2


class Block(nn.Module):
    """Patches as tokens, attention in heads, a perceptron, and the tokens as an image again."""

    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, WIDTH, 4, 4)
        self.first, self.second = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.mlp = nn.Sequential(nn.Linear(WIDTH, 32), nn.GELU(), nn.Linear(32, WIDTH))
        self.head = nn.Conv2d(WIDTH, 4, 1)

    def forward(self, x):
        image = self.patches(x)
        n, c, h, w = image.shape
        tokens = image.flatten(2).transpose(1, 2)
        split = self.qkv(self.first(tokens)).reshape(n, h * w, 3, HEADS, c // HEADS).permute(2, 0, 3, 1, 4)
        query, key, value = split.unbind(0)
        weights = (query @ key.transpose(-2, -1) / (c // HEADS) ** 0.5).softmax(-1)
        tokens = tokens + self.out((weights @ value).transpose(1, 2).reshape(n, h * w, c))
        tokens = tokens + self.mlp(self.second(tokens))
        return self.head(tokens.transpose(1, 2).reshape(n, c, h, w))


def test_a_transformer_block_transposes_queries_keys_values_and_its_result_only() -> None:
    torch.manual_seed(0)
    model = capture(Block().eval(), of_image((1, 3, 16, 16))).model
    rewrite(model)
    runner = LiteRT().load(build(lower(model, Target.LITERT).model, METADATA))
    assert runner.operators.count("TRANSPOSE") <= 4
    assert runner.outside == []
    assert runner.operators.count("DELEGATE") == 1


def test_a_mixer_of_tokens_needs_no_transpose() -> None:
    class Mixer(nn.Module):
        def __init__(self):
            super().__init__()
            self.patches, self.norm = nn.Conv2d(3, WIDTH, 4, 4), nn.LayerNorm(WIDTH)
            self.mix, self.head = nn.Linear(16, 16), nn.Linear(WIDTH, 4)

        def forward(self, x):
            tokens = self.patches(x).flatten(2).transpose(1, 2)
            tokens = tokens + self.mix(self.norm(tokens).transpose(1, 2)).transpose(1, 2)
            return self.head(tokens.mean(1))

    torch.manual_seed(0)
    model = capture(Mixer().eval(), of_image((1, 3, 16, 16))).model
    rewrite(model)
    assert LiteRT().load(build(lower(model, Target.LITERT).model, METADATA)).operators.count("TRANSPOSE") == 0
