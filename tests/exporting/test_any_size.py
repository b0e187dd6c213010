"""Files whose height and width are open, at sizes that the export has not seen."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
import torch
from torch import nn
from torch.nn import functional

import ssc_deploy
from ssc_deploy.errors import LoweringError, PictureError, QuantizationError, VerificationError
from ssc_deploy.metadata import Preprocessing
from ssc_deploy.quantize.plan import Quantization
from ssc_deploy.runtimes import runtime_for

SIZES = ("height", "width")
SHAPE = (1, 3, 12, 12)

#: Height and width that no export below looks at.
UNSEEN = ((12, 12), (13, 31), (50, 17), (23, 23))


class Shifted(nn.Module):
    """Shifts, a wrap-around shift, a shuffle, strides, a padded pool and a head, as files of any size have to take."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.stem, self.norm = nn.Conv2d(3, 12, 3, 2, 1), nn.BatchNorm2d(12)
        self.group, self.down = nn.Conv2d(12, 12, 1, groups=3), nn.Conv2d(12, 8, 3, 2, 1)
        self.head = nn.Linear(8, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = functional.max_pool2d(functional.relu(self.norm(self.stem(x))), 3, 2, 1)
        x = torch.cat([functional.pad(h, by) for h, by in zip(x.chunk(2, 1), [(1, -1), (0, 0, -1, 1)], strict=True)], 1)
        n, c, h, w = x.shape
        x = self.group(x).view(n, 3, c // 3, h, w).transpose(1, 2).reshape(n, c, h, w)
        x = self.down(torch.cat([x[:, :6].roll(1, 2), x[:, 6:].roll(-1, 3)], 1))
        return self.head(x.mean((2, 3)))


class Skips(nn.Module):
    """Sizes of earlier feature maps are read in the forward."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second, self.up = nn.Conv2d(3, 4, 3, 1, 1), nn.Conv2d(4, 4, 3, 2, 1), nn.Conv2d(8, 2, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        a = torch.relu(self.first(x))
        b = functional.interpolate(torch.relu(self.second(a)), size=a.shape[2:], mode="bilinear")
        return self.up(torch.cat([a, b], 1))


class Tokens(nn.Module):
    """A feature map as tokens and back."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.patches, self.norm, self.mixed = nn.Conv2d(3, 8, 2, 2), nn.LayerNorm(8), nn.Conv2d(8, 4, 3, 1, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.patches(x)
        n, c, h, w = x.shape
        tokens = self.norm(x.flatten(2).transpose(1, 2))
        return self.mixed(tokens.transpose(1, 2).reshape(n, c, h, w)).mean((2, 3))


def float64(net: nn.Module, x: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return net.double()(torch.from_numpy(x).double()).numpy()


def assert_right(net: nn.Module, path, shape=SHAPE) -> None:
    for height, width in UNSEEN:
        x = np.random.default_rng(height).normal(size=(*shape[:2], height, width)).astype(np.float32)
        (value,) = ssc_deploy.run(path, x).values()
        expected = float64(net, x)
        assert value.shape == expected.shape
        assert np.abs(value - expected).max() <= 1e-5 * np.abs(expected).max()


@pytest.fixture(scope="module")
def shifted(tmp_path_factory):
    lines: list[tuple[str, str]] = []
    result = ssc_deploy.export(
        Shifted(),
        input_shape=SHAPE,
        to=("onnx", "tflite"),
        output=tmp_path_factory.mktemp("shifted"),
        dynamic=SIZES,
        preprocessing=Preprocessing((0.5,) * 3, (0.5,) * 3),
        progress=lambda stage, line: lines.append((stage, line)),
    )
    return result, lines


@pytest.mark.parametrize("place", [0, 1])
def test_a_network_of_shifts_is_right_at_any_size_in_both_formats(shifted, place: int) -> None:
    result, _ = shifted
    assert result.rewrite.shifts == 2
    assert_right(Shifted().eval(), result.files[place].path)


def test_the_output_says_what_is_open_and_where_it_was_checked(shifted) -> None:
    _, lines = shifted
    emitted = [line for stage, line in lines if stage == "emit"]
    assert all(line.endswith("takes 1x3xHxW") for line in emitted)
    sizes = [line for stage, line in lines if stage == "sizes"]
    assert sizes == ["agrees with PyTorch float64 for images of 49x78, 13x20, 16x12, 9x10 as well"] * 2


def test_the_file_names_its_open_sizes(shifted) -> None:
    result, _ = shifted
    (image,) = onnx.load(result.files[0].path).graph.input
    names = [size.dim_param or size.dim_value for size in image.type.tensor_type.shape.dim]
    assert names == [1, 3, "height", "width"]
    for file in result.files:
        about = runtime_for(file.path).metadata(file.path)
        assert about.dynamic == SIZES
        assert about.input_shape == SHAPE


@pytest.mark.parametrize("place", [0, 1])
def test_images_run_at_their_own_size_and_are_scaled_only_if_asked(shifted, place: int) -> None:
    result, _ = shifted
    pixels = np.random.default_rng(0).integers(0, 256, (13, 31, 3), np.uint8)
    model, scaling = (ssc_deploy.load_model(result.files[place].path, resize=resize) for resize in (False, True))
    x = (pixels.transpose(2, 0, 1)[None] / np.float32(255) - np.float32(0.5)) / np.float32(0.5)
    np.testing.assert_allclose(model.outputs(pixels), float64(Shifted().eval(), x), atol=1e-6)
    square = model.outputs(np.random.default_rng(0).integers(0, 256, (12, 12, 3), np.uint8))
    assert scaling.outputs(pixels).shape == square.shape
    assert np.abs(scaling.outputs(pixels) - model.outputs(pixels)).max() > 1e-3


@pytest.mark.quick(1)
@pytest.mark.parametrize("net", [Skips, Tokens])
def test_sizes_that_the_forward_reads_are_computed_when_an_onnx_file_runs(net, tmp_path) -> None:
    result = ssc_deploy.export(net(), input_shape=SHAPE, output=tmp_path, dynamic=SIZES)
    assert_right(net().eval(), result.files[0].path)


@pytest.mark.slow
def test_maps_of_images_of_several_sizes_are_refused_in_one_call(tmp_path) -> None:
    rule = Preprocessing((0.5,) * 3, (0.5,) * 3)
    result = ssc_deploy.export(Skips(), input_shape=SHAPE, output=tmp_path, dynamic=SIZES, preprocessing=rule)
    model = ssc_deploy.load_model(result.files[0].path)
    images = [np.zeros((9, size, 3), np.uint8) for size in (8, 9)]
    with pytest.raises(PictureError, match="run one image at a time"):
        model.outputs(images)


@pytest.mark.slow
def test_one_size_may_be_open_alone(tmp_path) -> None:
    result = ssc_deploy.export(Shifted(), input_shape=SHAPE, output=tmp_path, dynamic=("width",))
    x = np.random.default_rng(0).normal(size=(1, 3, 12, 29)).astype(np.float32)
    (value,) = ssc_deploy.run(result.files[0].path, x).values()
    np.testing.assert_allclose(value, float64(Shifted().eval(), x), atol=1e-6)
    (image,) = onnx.load(result.files[0].path).graph.input
    assert [size.dim_value for size in image.type.tensor_type.shape.dim] == [1, 3, 12, 0]


@pytest.mark.slow
def test_a_network_that_takes_every_second_size_is_checked_at_those(tmp_path) -> None:
    class Halved(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.down, self.up = nn.Conv2d(3, 4, 2, 2), nn.ConvTranspose2d(4, 3, 2, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x + self.up(self.down(x))

    lines: dict[str, str] = {}
    ssc_deploy.export(
        Halved(),
        input_shape=SHAPE,
        output=tmp_path,
        dynamic=SIZES,
        progress=lambda stage, line: lines.update({stage: line}),
    )
    assert lines["sizes"].endswith("50x78, 14x28, 20x12, 6x8 as well; PyTorch takes steps of 2 pixels")


class OtherAt13(nn.Module):
    """At one height it computes something else."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x.abs() if x.shape[2] == 13 else x
        return x.mean((2, 3))


class TimesItsHeight(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Conv2d(3, 2, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(self.body(x)) * x.shape[2]


class WithPositions(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.ones(1, 3, 12, 12))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.relu(x + self.table)


@pytest.mark.parametrize(
    ("net", "to", "error", "sentence"),
    [
        (OtherAt13, "onnx", VerificationError, "for images of 13x20, "),
        (TimesItsHeight, "onnx", LoweringError, "Mul output of block .root. has a constant that depends on the size"),
        (WithPositions, "onnx", LoweringError, "WithPositions takes no images of other sizes"),
        (Shifted, "c", LoweringError, "a plan of the C engine is for images of one size"),
        (Skips, "tflite", LoweringError, "RESIZE_BILINEAR of .* depends on it; leave `dynamic` out"),
    ],
)
def test_a_network_that_depends_on_its_size_is_refused_by_name(net, to: str, error, sentence: str, tmp_path) -> None:
    with pytest.raises(error, match=sentence):
        ssc_deploy.export(net(), input_shape=SHAPE, to=to, output=tmp_path, dynamic=SIZES)
    assert not any(tmp_path.iterdir())


def test_what_cannot_be_open_is_refused_before_the_work(tmp_path) -> None:
    with pytest.raises(LoweringError, match="no size 'depth' of images; `dynamic` takes height and width"):
        ssc_deploy.export(Shifted(), input_shape=SHAPE, output=tmp_path, dynamic=("depth",))
    with pytest.raises(QuantizationError, match="leave it or `dynamic` out"):
        ssc_deploy.export(
            Shifted(), input_shape=SHAPE, output=tmp_path, dynamic=SIZES, quantize=Quantization("float16")
        )
    with pytest.raises(LoweringError, match="does not take one image"):
        ssc_deploy.export(nn.Linear(3, 2), input_shape=(1, 3), output=tmp_path, dynamic=SIZES)
