"""Blocks that an export leaves in float32 by itself, so that not too much accuracy is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
import torch
from torch import nn

import ssc_deploy
from ssc_deploy.errors import VerificationError
from ssc_deploy.verification.quantized import QuantizedReport
from tests.quantize.plans import noise

if TYPE_CHECKING:
    from pathlib import Path

SHAPE = (1, 3, 6, 5)


class Uneven(nn.Module):
    """A network of which the block `first` has kernels that 8 bits cannot hold.

    Two of its input channels are nearly zero, and its weights for them are huge. The stem is read twice, so that the
    two cannot be scaled back.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU())
        self.first = nn.Sequential(nn.Conv2d(8, 8, 1), nn.ReLU())
        self.second = nn.Sequential(nn.Conv2d(8, 8, 1), nn.ReLU())
        self.head = nn.Linear(16, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits [N, 5] of ``x`` [N, 3, H, W]."""
        x = self.stem(x)
        y = self.second(self.first(x))
        logits: torch.Tensor = self.head(torch.cat([y, x], 1).mean((2, 3)))
        return logits


def network() -> nn.Module:
    torch.manual_seed(0)
    module = Uneven().eval()
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=0.5)
    with torch.no_grad():
        module.stem[0].weight[::4] /= 2000
        module.stem[0].bias[::4] /= 2000
        module.first[0].weight[:, ::4] *= 500
        module.head.weight[:, 8:] *= 0.1
        module.head.bias -= module(torch.from_numpy(_images(400))).mean(0)  # each class is the best of some images
    return module


def _images(count: int) -> np.ndarray:
    """Noise of different colours, float32 [count, 3, 6, 5]."""
    colours = np.random.default_rng(1).normal(size=(count, 3, 1, 1))
    return (0.2 * noise(count) + colours).astype(np.float32)


def _clear(count: int, drawn: int) -> tuple[np.ndarray, np.ndarray]:
    """Of the images that are drawn, those of the clearest classes, and these: the answers of the network itself."""
    images = _images(drawn)
    with torch.no_grad():
        logits = network()(torch.from_numpy(images))
    margins = logits.topk(2).values.diff().abs().flatten()
    chosen = margins.argsort(descending=True)[:count].sort().values.numpy()
    return images[chosen], logits.argmax(1).numpy()[chosen]


@pytest.fixture
def images(tmp_path: Path) -> Path:
    found, labels = _clear(400, 600)
    np.savez(tmp_path / "images.npz", x=found, labels=labels)
    return tmp_path / "images.npz"


def wanted(images: Path, **chosen: object) -> ssc_deploy.Quantization:
    return ssc_deploy.Quantization("int8", calibration=images, images=40, safe_for="avx2", **chosen)


def test_the_worst_block_stays_in_float32_in_both_formats(images: Path, tmp_path: Path) -> None:
    said: list[tuple[str, str]] = []
    result = ssc_deploy.export(
        network(),
        to=("onnx", "tflite"),
        input_shape=SHAPE,
        output=tmp_path / "out",
        quantize=wanted(images, max_drop=3.0),
        progress=lambda *line: said.append(line),
    )
    assert result.excluded is not None
    assert result.excluded.blocks == ("first",)
    assert len(result.excluded.costs) == 2
    assert all(cost.low <= cost.ratio <= cost.high for cost in result.excluded.costs)
    for file in result.files:
        proof = file.verification
        assert isinstance(proof, QuantizedReport)
        assert proof.accuracy is not None
        assert proof.accuracy.drop <= 3.0
        again = ssc_deploy.verify(network(), file.path, input_shape=SHAPE)  # the file says what stays in float32
        assert again.ok
    graph = onnx.load(result.files[0].path).graph
    constants = {one.name: one.data_type for one in graph.initializer}
    kernels = [constants.get(node.input[1]) for node in graph.node if node.op_type == "Conv"]
    assert kernels.count(onnx.TensorProto.FLOAT) == 1
    lines = [line for stage, line in said if stage == "quantize"]
    assert any("too much is lost; float32 stay first" in line for line in lines)
    assert sum("times the time of all in int8" in line for line in lines) == 2
    assert result.to_dict()["excluded"]["blocks"] == list(result.excluded.blocks)


def test_what_the_user_excludes_stays_so_and_nothing_else_is_without_need(images: Path, tmp_path: Path) -> None:
    result = ssc_deploy.export(
        network(),
        to="onnx",
        input_shape=SHAPE,
        output=tmp_path / "out",
        quantize=wanted(images, max_drop=3.0, exclude=("first",)),
    )
    assert result.excluded is None


def test_a_drop_that_no_choice_meets_fails_and_nothing_is_written(tmp_path: Path) -> None:
    found, labels = _clear(400, 400)  # between the classes of some, rounding of any block decides
    np.savez(tmp_path / "images.npz", x=found, labels=labels)
    with pytest.raises(
        VerificationError, match=r"no choice of blocks .* with first, .* in float32 it is still"
    ) as failure:
        ssc_deploy.export(
            network(),
            to=("onnx", "tflite"),
            input_shape=SHAPE,
            output=tmp_path / "out",
            quantize=wanted(tmp_path / "images.npz", max_drop=0.5),
            keep_going=True,
        )
    assert failure.value.exit_code == 1
    assert not list((tmp_path / "out").glob("*"))
