"""Files made by the pipeline of a network with one small fault must not pass for the network, in either runtime."""

import copy
import types
from pathlib import Path

import networks
import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper

import ssc_deploy
from ssc_deploy import source
from ssc_deploy.capture import capture
from ssc_deploy.emit import onnx as emit_onnx
from ssc_deploy.emit import tflite
from ssc_deploy.examples import Examples
from ssc_deploy.exporting import check as checking
from ssc_deploy.exporting.formats import Format
from ssc_deploy.lower import LoweringOptions, lower
from ssc_deploy.metadata import ModelMetadata
from ssc_deploy.rewrite import rewrite
from ssc_deploy.signature import of_image
from ssc_deploy.verification import divergence, ranges, verify_file
from ssc_deploy.verification.intermediate import Inside
from ssc_deploy.verification.torch_reference import TorchReference

# Each fault is put into an export of its own.
pytestmark = pytest.mark.slow

EMIT = {Format.ONNX: emit_onnx.build, Format.TFLITE: tflite.build}
FORMATS = list(EMIT)
SHAPE = (1, *networks.SIZE)


def exported(net, folder, batch=None):
    """Writes the network in every format; returns the files and the shifts and shuffles in them."""
    model = capture(net, of_image(SHAPE)).model
    rewrite(model)
    files = {}
    for form in FORMATS:
        layout = "NCHW" if form is Format.ONNX else "NHWC"
        metadata = ModelMetadata("net", "net.pt", "0" * 64, layout, (batch or 0, *networks.SIZE))
        files[form] = folder / f"net.{form}"
        files[form].write_bytes(EMIT[form](lower(model, form.target, LoweringOptions(batch=batch)).model, metadata))
    return files, checking.movement_sites(model)


def enlarged_weight(net):
    """1 % on the weight of a group pointwise that has the median effect on the output."""
    weight = net.body[1].local[0].weight
    (gradient,) = torch.autograd.grad(net(torch.from_numpy(networks.pictures(8))).square().sum(), weight)
    effect = (gradient * weight).abs().flatten()
    order = effect.argsort()[int((effect == 0).sum()) :]
    weight.data.view(-1)[order[len(order) // 2]] *= 1.01


def swapped_channels(net):
    weight = net.body[0].mix[0].weight.data
    weight[[3, 4]] = weight[[4, 3]]


def reversed_shift(net):
    offsets = net.body[1].shift.movement.offsets
    net.body[1].shift.movement = networks.mv.shift(tuple((-dy, dx) for dy, dx in offsets))


def relu_past_the_sum(net):
    def forward(self, x):
        return self.act(self.merge(self.shuffle(self.local(self.shift(self.mix(x)))))) + x

    net.body[1].forward = types.MethodType(forward, net.body[1])


def changed_epsilon(net):
    net.body[0].merge[1].eps = 1e-3


#: The block that is wrong, by any of the names that a format may keep for it.
MUTATIONS = {
    enlarged_weight: {"body.1.local.1", "body.1.local"},
    swapped_channels: {"body.0.mix.1", "body.0.mix.2", "body.0.mix"},
    reversed_shift: {"body.1.shift"},
    relu_past_the_sum: {"body.1.act", "body.1"},
    changed_epsilon: {"body.0.merge.1", "body.0.merge"},
}


@pytest.fixture(scope="module", params=MUTATIONS, ids=lambda mutate: mutate.__name__)
def mutated(request, tmp_path_factory):
    """The network, files of it with a fault in it, and the blocks of which one must be named."""
    net = networks.random_net(0)
    changed = copy.deepcopy(net)
    request.param(changed)
    files, _ = exported(changed, tmp_path_factory.mktemp("mutated"))
    return net, files, MUTATIONS[request.param]


@pytest.mark.parametrize("form", FORMATS)
def test_a_small_fault_is_caught_and_the_right_block_named(mutated, form):
    net, files, blocks = mutated
    report = verify_file(files[form], TorchReference(net), networks.pictures(8))
    assert not report.ok
    assert report.first_divergence.block.name in blocks, str(report)
    assert report.first_divergence.last_good is not None


@pytest.fixture(scope="module", params=[0, pytest.param(1, marks=pytest.mark.slow)])
def right(request, tmp_path_factory):
    net = networks.random_net(request.param)
    return net, *exported(net, tmp_path_factory.mktemp("right"))


@pytest.mark.parametrize("form", FORMATS)
def test_files_of_random_networks_pass_block_by_block(right, form):
    net, files, sites = right
    report = verify_file(files[form], TorchReference(net), networks.pictures(8), movements=sites)
    assert report.ok, str(report)
    assert report.movements.checked == 4
    blocks = divergence.compare(Inside(files[form]), TorchReference(net), Examples.of(networks.pictures(2))).blocks
    assert [block.name for block in blocks if not block.ok] == []
    assert {"stem", "body.0.shift", "body.1.shuffle", "body.1", "output"} <= {block.name for block in blocks}


@pytest.mark.parametrize("form", FORMATS)
def test_the_blocks_of_a_right_file_pass_in_one_run_each_without_bounds_of_their_slices(right, form, monkeypatch):
    net, files, _ = right
    asked, reference, x = [], TorchReference(net), networks.pictures(2)
    roundings, blocks = ranges.roundings, reference.float32_blocks
    monkeypatch.setattr(ranges, "roundings", lambda *given: asked.append("bounds") or roundings(*given))
    monkeypatch.setattr(reference, "float32_blocks", lambda *given: asked.append("run") or blocks(*given))
    compared = divergence.compare(Inside(files[form]), reference, Examples.of(x))
    assert len(compared.blocks) > 4
    assert compared.first is None
    assert asked == ["run"]


@pytest.mark.parametrize("form", FORMATS)
def test_a_movement_in_the_wrong_direction_is_not_exact(right, form):
    net, files, sites = right
    backwards = networks.mv.shift(tuple((-dy, -dx) for dy, dx in sites[0].movement.offsets))
    wrong = [type(site)(site.source, site.target, backwards) if site is sites[0] else site for site in sites]
    report = verify_file(files[form], TorchReference(net), networks.pictures(2), movements=wrong)
    assert not report.ok
    assert report.movements.exact == report.movements.checked - 1
    assert sites[0].target in report.failures[0]


@pytest.mark.parametrize("form", FORMATS)
def test_another_picture_size_and_other_classes_are_failures_in_words(right, form):
    net, files, _ = right
    other = networks.random_net(0)
    other.head = torch.nn.Linear(networks.WIDTH, 7)
    classes = verify_file(files[form], TorchReference(other), networks.pictures(2))
    assert not classes.ok
    assert "[10]" in classes.failures[0]
    size = verify_file(files[form], TorchReference(net), np.zeros((2, 3, 16, 16), np.float32))
    assert not size.ok
    assert "[3, 8, 8]" in size.failures[0]


@pytest.mark.slow
def test_one_percent_on_random_weights_of_the_shipped_network_is_caught_and_named(tmp_path):
    """Weights drawn at random, most of them small; those that escape are near zero or weigh what is hardly ever not."""
    checkpoint = Path(__file__).parents[2] / "models" / "ssc-net-1-9" / "ssc_1_9.pt"
    file = ssc_deploy.export(checkpoint, output=tmp_path).files[0].path
    check = checking.Check(source.open_source(checkpoint), None, None, None)
    model = onnx.load(file)
    constants = {constant.name: constant for constant in model.graph.initializer}
    weighing = [n for n in model.graph.node if n.op_type in {"Conv", "Gemm"} and not n.output[0].endswith("shift")]
    sizes = np.array([numpy_helper.to_array(constants[node.input[1]]).size for node in weighing])
    generator = np.random.default_rng(0)
    named, count = [], 12
    for _ in range(count):
        node = weighing[generator.choice(len(weighing), p=sizes / sizes.sum())]
        weight = numpy_helper.to_array(constants[node.input[1]]).copy()
        weight.flat[generator.integers(weight.size)] *= 1.01
        networks.replace_constant(file, node.input[1], weight, tmp_path / "changed.onnx")
        found = check(tmp_path / "changed.onnx").first_divergence
        if found:
            named.append(found.block.name == node.output[0])
    # 58 of 60 in another draw.
    assert len(named) >= count - 1
    assert sum(named) >= len(named) - 1
