"""Factors of channels: which there are, that they change nothing, and that they make badly scaled channels alike."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from ssc_deploy.errors import QuantizationError
from ssc_deploy.examples import Examples
from ssc_deploy.quantize import equalisation, planning
from ssc_deploy.quantize.calibration_data import CalibrationData
from ssc_deploy.quantize.channels import classes
from ssc_deploy.quantize.constants import give
from ssc_deploy.quantize.plan import Plan, Quantization
from ssc_deploy.quantize.simulation import Simulation, sqnr
from ssc_deploy.verification.integers import Replay
from tests.quantize.plans import Small, canonical_of, noise

IMAGES = noise(48)


class Depthwise(nn.Module):
    """A pointwise, a depthwise and a pointwise convolution with an activation between each two, and a head."""

    def __init__(self, activation: type[nn.Module] = nn.ReLU, octaves: float = 0.0) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 16, 1), activation())
        self.depthwise = nn.Sequential(nn.Conv2d(16, 16, 3, padding=1, groups=16), activation())
        self.project = nn.Conv2d(16, 8, 1)
        self.head = nn.Linear(8, 5)
        self.octaves = octaves

    def scale(self) -> None:
        """Multiplies channels by random powers of two, and divides them by these in the next layer."""
        rng = np.random.default_rng(0)
        layers = (self.stem[0], self.depthwise[0], self.project)
        for one, other in itertools.pairwise(layers):
            factor = torch.from_numpy(2.0 ** rng.uniform(-self.octaves, self.octaves, 16)).float()
            one.weight.data *= factor[:, None, None, None]
            one.bias.data *= factor
            other.weight.data /= factor[:, None, None, None] if other.groups > 1 else factor[None, :, None, None]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits [N, 5] of ``x`` [N, 3, H, W]."""
        logits: torch.Tensor = self.head(self.project(self.depthwise(self.stem(x))).mean((2, 3)))
        return logits


class Joined(nn.Module):
    """Two branches that are concatenated, shuffled, pooled, flattened and read by a head; one is read twice."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.other = nn.Conv2d(3, 4, 1), nn.Conv2d(3, 4, 3, padding=1)
        self.after = nn.Conv2d(8, 8, 1, groups=2)
        self.head = nn.Linear(8 * 3 * 2, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits [N, 5] of ``x`` [N, 3, H, W]."""
        y = torch.cat([nn.functional.leaky_relu(self.one(x)), self.other(x).relu()], 1)
        n, c, h, w = y.shape
        shuffled = y.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)
        y = nn.functional.max_pool2d(self.after(shuffled) + y, 2)
        logits: torch.Tensor = self.head(y.flatten(1))
        return logits


def outputs(model) -> np.ndarray:
    """The output for some images in float64."""
    name = model.graph.outputs[0].name
    return np.concatenate([Replay(model, Plan({}, frozenset())).values([one[None]])[name] for one in IMAGES[:4]])


def free_by_kernel(model) -> dict[str, bool]:
    """Whether all channels that a kernel writes may have factors, by the first part of its block."""
    found = classes(model)
    return {k.node.outputs[0].name.split("/")[0]: bool(found.free[k.writes].all()) for k in found.kernels}


@pytest.mark.parametrize("network", [Small, Depthwise, Joined])
def test_the_network_stays_the_same_to_the_bit(network: type[nn.Module]) -> None:
    model = canonical_of(network()).model
    first = classes(model).kernels[0].node
    give(first, 1, first.inputs[1].const_value.numpy() * np.float32(64))
    before, exact = outputs(model), Simulation(model).outputs(Examples.of(IMAGES))[0]
    found = equalisation.factors(model)
    assert found
    equalisation.apply(model, found)
    assert np.array_equal(outputs(model), before)
    assert np.array_equal(Simulation(model).outputs(Examples.of(IMAGES))[0], exact)


@given(seed=st.integers(0, 2**32 - 1), slope=st.floats(0, 1), spread=st.floats(0, 6))
@settings(max_examples=5, deadline=None)
def test_random_networks_stay_the_same_and_are_settled(seed: int, slope: float, spread: float) -> None:
    module = Depthwise(lambda: nn.LeakyReLU(slope))  # type: ignore[arg-type]
    model = canonical_of(module).model
    rng = np.random.default_rng(seed)
    for kernel in classes(model).kernels:
        weight = kernel.node.inputs[1]
        by_channel = 2.0 ** rng.uniform(-spread, spread, len(kernel.writes))
        numbers = kernel.scaled(weight.const_value.numpy(), np.ones(len(kernel.reads)), by_channel)
        give(kernel.node, 1, numbers.astype(np.float32))
    before = outputs(model)
    equalisation.apply(model, equalisation.factors(model))
    assert np.array_equal(outputs(model), before)
    assert not equalisation.factors(model)  # a second time changes nothing


def test_channels_written_and_read_by_two_kernels_become_alike() -> None:
    model = canonical_of(Depthwise(octaves=0.0)).model
    equalisation.apply(model, equalisation.factors(model))
    stem, depthwise, *_ = classes(model).kernels
    written = np.abs(stem.grouped(stem.node.inputs[1].const_value.numpy())).max((0, 2, 3))
    read = np.abs(depthwise.grouped(depthwise.node.inputs[1].const_value.numpy())).max((1, 3)).reshape(-1)
    # A power of two is within the square root of two of the best factor, so that the two are within twice of another.
    assert np.abs(np.log2(written / read)).max() <= 1.0


@pytest.mark.parametrize("activation", [nn.ReLU6, nn.Sigmoid, nn.Hardswish])
def test_no_factor_goes_through_what_is_not_homogeneous(activation: type[nn.Module]) -> None:
    free = free_by_kernel(canonical_of(Depthwise(activation)).model)
    assert [name for name, one in free.items() if one] == ["project"] or list(free.values()) == [
        False,
        False,
        True,
        False,
    ]


@pytest.mark.parametrize("activation", [nn.ReLU, nn.LeakyReLU, lambda: nn.PReLU(16)])
def test_a_factor_goes_through_what_is_homogeneous(activation: type[nn.Module]) -> None:
    assert list(free_by_kernel(canonical_of(Depthwise(activation)).model).values()) == [True, True, True, False]


def test_a_residual_sum_has_one_factor_for_all_its_members() -> None:
    found = classes(canonical_of(Joined()).model)
    one, other, after, _ = found.kernels
    members = {*one.writes.tolist(), *other.writes.tolist()}
    assert set(after.writes.tolist()) == members
    assert found.free[after.writes].all()


def test_a_value_that_an_output_is_has_no_factor() -> None:
    class Two(Depthwise):
        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:  # type: ignore[override]
            y = self.stem(x)
            return y, self.project(self.depthwise(y))

    assert list(free_by_kernel(canonical_of(Two()).model).values())[:2] == [False, True]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda given: {**given, "nothing": (1, 2)}, "would change"),
        (lambda given: {name: one[1:] for name, one in given.items()}, "not those"),
        (lambda given: {name: tuple(60 for _ in one) for name, one in given.items()}, "not those"),
    ],
)
def test_factors_of_another_network_are_refused(change, reason: str) -> None:
    model = canonical_of(Small()).model
    with pytest.raises(QuantizationError, match=reason):
        equalisation.apply(model, change(equalisation.factors(model)))


def test_factors_that_change_the_network_are_refused() -> None:
    model = canonical_of(Small()).model
    names = {kernel.node.outputs[0].name: len(kernel.writes) for kernel in classes(model).kernels}
    head = list(names)[-1]
    with pytest.raises(QuantizationError, match="would change"):
        equalisation.apply(model, {head: (1,) * names[head]})
    model = canonical_of(Joined()).model
    first = classes(model).kernels[0].node.outputs[0].name
    with pytest.raises(QuantizationError, match="would change"):  # the other members of the sum have none
        equalisation.apply(model, {first: (1, 1, 1, 1)})


def test_equalisation_recovers_a_depthwise_network_of_badly_scaled_channels() -> None:
    def ratio(octaves: float, *improve: str) -> tuple[float, planning.QuantizeReport]:
        module = Depthwise(octaves=octaves)
        canonical_of(module)  # gives it seeded weights
        module.scale()
        model = planning_model(module)
        data = CalibrationData(Examples.of(IMAGES))
        planned = planning.quantize(model, data, Quantization(calibration=IMAGES, improve=improve))
        exact = Simulation(model).outputs(data.inputs)
        return sqnr(exact, Simulation(planned.model, planned.plan).outputs(data.inputs)), planned.report

    good, _ = ratio(0.0, "none")
    bad, _ = ratio(4.0, "none")
    recovered, report = ratio(4.0, "cross-layer-equalization")
    assert bad < good - 6
    assert recovered > good - 3
    assert report.equalised


def planning_model(module: nn.Module):
    from ssc_deploy.exporting import stages
    from ssc_deploy.source import open_source

    return stages.canonicalise(open_source(None, model=module.eval(), input_shape=(1, 3, 6, 5))).model
