import copy
import json

import networks
import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper

from ssc_deploy.errors import RuntimeLoadError, VerificationError
from ssc_deploy.examples import Examples
from ssc_deploy.verification import verify_file
from ssc_deploy.verification.torch_reference import TorchReference


def verified(tmp_path, net, changed=None, *, count=8, batch=None, late_relu=None, **options):
    """The report on a file made of ``changed``, with ``net`` as the reference."""
    path = tmp_path / "net.onnx"
    sites = networks.write(net if changed is None else changed, path, batch=batch, late_relu=late_relu)
    options.setdefault("movements", sites)
    return verify_file(path, TorchReference(net), networks.pictures(count), **options)


@pytest.mark.quick(2)
@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("units", [1, 4])
def test_a_right_file_passes(tmp_path, seed, units):
    report = verified(tmp_path, networks.random_net(seed, units))
    assert report.ok, str(report)
    assert report.batches == (1, 3)
    assert report.movements.checked == report.movements.exact == 2 * units
    assert report.first_divergence is None


@pytest.mark.quick(1)
@pytest.mark.parametrize("batch", [1, 2, 5])
def test_a_file_of_a_fixed_batch_runs_at_that_and_inputs_need_not_be_a_multiple_of_it(tmp_path, batch):
    report = verified(tmp_path, networks.random_net(0), batch=batch, count=7)
    assert report.ok, str(report)
    assert report.batches == (batch,)


def enlarge(net, weight):
    """Makes one weight 1 % larger: the median of those that reach the output at all (a ReLU may hide a channel)."""
    (gradient,) = torch.autograd.grad(net(torch.from_numpy(networks.pictures(8))).square().sum(), weight)
    effect = (gradient * weight).abs().flatten()
    order = effect.argsort()[int((effect == 0).sum()) :]
    weight.data.view(-1)[order[len(order) // 2]] *= 1.01


def changed_weight(net):
    enlarge(net, net.body[1].local[0].weight)


def changed_head(net):
    enlarge(net, net.head.weight)


def swapped_channels(net):
    weight = net.body[0].mix[0].weight.data
    weight[[3, 4]] = weight[[4, 3]]


def reversed_shift(net):
    shift = net.body[1].shift
    offsets = [*shift.movement.offsets]
    offsets[0] = (-offsets[0][0], -offsets[0][1])
    shift.movement = networks.mv.shift(tuple(offsets))


def swapped_shuffle(net):
    shuffle = net.body[1].shuffle
    source = [*shuffle.movement.source]
    source[1], source[2] = source[2], source[1]
    shuffle.movement = networks.mv.permutation(tuple(source))


def changed_epsilon(net):
    net.body[0].merge[1].eps = 1e-3


@pytest.mark.quick(4)
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("mutate", "block", "before"),
    [
        (changed_weight, "body.1.local.1", "body.1.shift"),
        (changed_head, "output", "body.1"),
        (swapped_channels, "body.0.mix.1", "stem"),
        (reversed_shift, "body.1.shift", "body.1.mix"),
        (swapped_shuffle, "body.1.shuffle", "body.1.local"),
        (changed_epsilon, "body.0.merge", "body.0.shuffle"),
    ],
)
def test_a_small_fault_is_caught_and_its_block_named(tmp_path, seed, mutate, block, before):
    net = networks.random_net(seed)
    changed = copy.deepcopy(net)
    mutate(changed)
    report = verified(tmp_path, net, changed)
    assert not report.ok
    assert report.first_divergence.block.name == block
    assert report.first_divergence.last_good.name == before
    assert not report.first_divergence.block.ok
    assert report.first_divergence.last_good.ok
    assert any(block in failure for failure in report.failures)


def test_a_relu_moved_past_the_sum_is_caught_and_its_block_named(tmp_path):
    report = verified(tmp_path, networks.random_net(0), late_relu=0)
    assert not report.ok
    assert report.first_divergence.block.name == "body.0"
    assert report.first_divergence.last_good.name == "body.0.merge"


def test_a_fault_that_hardly_reaches_the_output_is_caught_in_its_block(tmp_path):
    net = networks.random_net(0)
    net.head.weight.data[:, 0] = 0
    changed = copy.deepcopy(net)
    changed.body[1].merge[1].bias.data[0] += 3e-3
    report = verified(tmp_path, net, changed)
    assert report.tolerance.allows(report.error)
    assert not report.ok
    assert report.first_divergence.block.name == "body.1.merge"
    assert verified(tmp_path, net, changed, atol=1e-4).ok, "bounds of one's own are for the output"


def test_nan_weights_in_the_file_fail(tmp_path):
    changed = networks.random_net(0)
    changed.head.bias.data[0] = float("nan")
    report = verified(tmp_path, networks.random_net(0), changed)
    assert not report.ok
    assert "NaN" in report.failures[0]


def test_a_network_that_computes_nan_itself_fails(tmp_path):
    net = networks.random_net(0)
    net.head.bias.data[0] = float("nan")
    report = verified(tmp_path, net)
    assert not report.ok
    assert "network itself" in report.failures[0]


def test_another_number_of_classes_is_a_failure_in_words(tmp_path):
    other = networks.random_net(0)
    other.head = torch.nn.Linear(networks.WIDTH, 7)
    report = verified(tmp_path, networks.random_net(0), other)
    assert not report.ok
    assert "[7]" in report.failures[0]
    assert "[10]" in report.failures[0]


def test_another_picture_size_is_a_failure_in_words(tmp_path):
    path = tmp_path / "net.onnx"
    net = networks.random_net(0)
    networks.write(net, path)
    report = verify_file(path, TorchReference(net), np.zeros((2, 3, 16, 16), np.float32))
    assert not report.ok
    assert "[3, 8, 8]" in report.failures[0]
    assert "[3, 16, 16]" in report.failures[0]


def test_a_batch_written_into_the_graph_is_a_failure_in_words(tmp_path):
    net, path = networks.random_net(0), tmp_path / "net.onnx"
    networks.write(net, path)
    model = onnx.load(path)
    flatten = next(node for node in model.graph.node if node.op_type == "Flatten")
    model.graph.initializer.append(numpy_helper.from_array(np.array([1, networks.WIDTH]), "shape"))
    flatten.op_type = "Reshape"
    flatten.input.append("shape")
    onnx.save(model, path)
    report = verify_file(path, TorchReference(net), networks.pictures(4))
    assert not report.ok
    assert "batch size 3" in report.failures[0]


def test_nothing_to_verify_on_is_an_error(tmp_path):
    with pytest.raises(VerificationError, match="nothing to verify on"):
        verified(tmp_path, networks.random_net(0), count=0)
    with pytest.raises(VerificationError, match="nothing to verify on"):
        verified(tmp_path, networks.random_net(0), batches=())


def test_a_file_that_no_runtime_reads_is_an_error(tmp_path):
    (tmp_path / "net.onnx").write_bytes(b"no model")
    with pytest.raises(RuntimeLoadError, match=r"net\.onnx"):
        verify_file(tmp_path / "net.onnx", TorchReference(networks.random_net(0)), networks.pictures(1))


def test_atol_and_rtol_replace_the_tolerance_in_both_directions(tmp_path):
    net = networks.random_net(0)
    changed = copy.deepcopy(net)
    changed_weight(changed)
    assert verified(tmp_path, net, changed, atol=1.0, rtol=0.0).ok
    strict = verified(tmp_path, net, atol=0.0)
    assert not strict.ok
    assert strict.tolerance is None


def test_top1_and_accuracy_are_counted_on_pictures(tmp_path):
    net = networks.random_net(0)
    best = TorchReference(net).outputs(Examples.of(networks.pictures(8)))[0].argmax(1)
    truth = best.copy()
    truth[0] = (truth[0] + 1) % 10
    report = verified(tmp_path, net, pictures=True, classes=truth.tolist())
    assert (report.top1.hits, report.top1.total) == (8, 8)
    assert (report.accuracy.hits, report.accuracy.total) == (7, 8)
    assert "top-1 agrees on 8/8" in str(report)
    assert verified(tmp_path, net).top1 is None


def test_classes_must_be_one_an_input(tmp_path):
    with pytest.raises(VerificationError, match="3 true classes"):
        verified(tmp_path, networks.random_net(0), classes=[1, 2, 3])


def test_the_report_is_json_with_a_schema_version(tmp_path):
    net = networks.random_net(0)
    changed = copy.deepcopy(net)
    reversed_shift(changed)
    good = json.loads(json.dumps(verified(tmp_path, net, pictures=True).to_dict()))
    assert good["schema_version"] == 1
    assert good["ok"] is True
    assert good["runtime"] == "ONNX Runtime"
    assert good["runtime_version"]
    assert good["top1"] == {"hits": 8, "total": 8}
    assert good["error"]["max"] <= good["tolerance"]["max"]
    bad = json.loads(json.dumps(verified(tmp_path, net, changed).to_dict()))
    assert bad["ok"] is False
    assert bad["first_divergence"]["block"]["name"] == "body.1.shift"


def anonymous(path):
    """Renames every value inside a file."""
    model = onnx.load(path)
    inner = {name for node in model.graph.node[:-1] for name in node.output}
    for node in model.graph.node:
        for names in (node.input, node.output):
            names[:] = [f"anonymous/{name}" if name in inner else name for name in names]
    onnx.save(model, path)


def test_the_line_says_how_much_was_compared(tmp_path):
    report = verified(tmp_path, networks.random_net(0), pictures=True)
    # stem.1, stem, and of each of two units mix.1, mix, shift, local.1, local, shuffle, merge and the unit itself.
    assert report.blocks.to_dict() == {"total": 36, "compared": 18, "agree": 18}
    assert "top-1 agrees on 8/8 images · 4 movements bit-exact · 18 blocks agree · OK" in str(report)
    assert "vs PyTorch float64: max error" in str(report)
    assert "(PyTorch float32's own: " in str(report)


def test_a_file_that_names_no_blocks_says_so(tmp_path):
    net, path = networks.random_net(0), tmp_path / "net.onnx"
    sites = networks.write(net, path)
    anonymous(path)
    report = verify_file(path, TorchReference(net), networks.pictures(8))
    assert report.ok, str(report)
    assert (report.blocks.compared, report.blocks.agree) == (0, 0)
    assert "none of 36 blocks compared: the file does not name them" in str(report)
    ours = verify_file(path, TorchReference(net), networks.pictures(8), movements=sites)
    assert not ours.ok
    assert "the file has no tensor" in ours.failures[0]
    other = verify_file(path, TorchReference(net), networks.pictures(8), movements=sites, complete=False)
    assert other.ok
    assert (other.movements.total, other.movements.checked) == (4, 0)
    assert "0 of 4 movements found and bit-exact" in str(other)


def test_blocks_that_are_wrong_are_counted(tmp_path):
    net = networks.random_net(0)
    changed = copy.deepcopy(net)
    changed_head(changed)
    reversed_shift(changed)
    report = verified(tmp_path, net, changed)
    assert 0 < report.blocks.agree < report.blocks.compared == 18
    assert f"{report.blocks.agree} of 18 blocks agree" in str(report)


def test_a_file_with_more_rows_than_pictures_fails(tmp_path):
    net, path = networks.random_net(0), tmp_path / "net.onnx"
    networks.write(net, path)
    model = onnx.load(path)
    model.graph.node[-1].output[0] = "once"
    model.graph.node.append(onnx.helper.make_node("Concat", ["once", "once"], ["output"], axis=0))
    model.graph.output[0].type.tensor_type.shape.dim[0].dim_param = "rows"
    onnx.save(model, path)
    report = verify_file(path, TorchReference(net), networks.pictures(4))
    assert not report.ok
    assert "returns [2, 10] for a batch of 1" in report.failures[0]
