"""The whole way, from a network to files that are proved equal to it."""

import json
from collections import Counter

import any_network
import numpy as np
import pytest
import spellings
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import ssc_deploy
from ssc_deploy import nets
from ssc_deploy.emit.onnx_simplify import simplifies
from ssc_deploy.errors import LoweringError, OutputError, VerificationError
from ssc_deploy.exporting import stages
from ssc_deploy.exporting.check import Check
from ssc_deploy.exporting.formats import Format
from ssc_deploy.lower import LoweringOptions
from ssc_deploy.runtimes import runtime_for
from ssc_deploy.runtimes.litert import LiteRT
from ssc_deploy.source import open_source

NETWORKS = {
    "ssc-net": {"B": "1", "G": "9"},
    "shift-net": {"B": "1"},
    "resnet": {"B": "1"},
}

#: A network in code that is not the project's: shifts roll channel by channel, the shuffle stands in the forward.
STEPS = "module-roll_and_mask,2-grouped_conv,norm,relu,shuffle-2,module-pad_slice_cat,9-split_and_concat,residual,relu"
FOREIGN = {"model": f"{any_network.__file__}:AnyNetwork", "args": {"steps": STEPS}, "input_shape": (1, 3, 9, 8)}


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def foreign(tmp_path_factory):
    """The foreign network's checkpoint as DataParallel saves it, in a record of its training."""
    net = any_network.AnyNetwork(STEPS, seed="3")
    path = tmp_path_factory.mktemp("foreign") / "tiny.pth.tar"
    state = {f"module.{name}": tensor for name, tensor in net.state_dict().items()}
    torch.save({"state_dict": state, "epoch": 7}, path)
    return path


def export_foreign(ckpt, output, **options):
    return ssc_deploy.export(ckpt, output=output, **FOREIGN, **options)


@pytest.fixture(scope="module")
def exported(foreign, tmp_path_factory):
    return export_foreign(foreign, tmp_path_factory.mktemp("out"), to=["onnx", "tflite"])


def checkpoint(path, arch, **args):
    """A checkpoint of one of our networks, with weights under which every layer matters."""
    net = nets.build(arch, **args).eval()
    nets.randomise(net, seed=1)
    torch.save(net.state_dict(), path)
    return path


@pytest.mark.slow
def test_a_foreign_network_is_recognised_and_verified_in_both_formats(exported):
    assert (exported.rewrite.shifts, exported.rewrite.shuffles, exported.rewrite.group_pointwise) == (2, 1, 2)
    assert exported.rewrite.refusals == ()
    for file in exported.files:
        assert file.verification.ok
        assert file.path.name == f"{exported.files[0].path.stem}.{file.format}"
        assert file.verification.movements.exact == file.verification.movements.checked == 3
        assert file.path.stat().st_size == file.size
    assert json.loads(json.dumps(exported.to_dict()))["schema_version"]


@pytest.mark.slow
def test_onnxsim_finds_nothing_left(exported):
    assert exported.files[0].simplification.is_simple


@pytest.mark.slow
def test_a_tflite_file_is_one_delegate_partition(exported):
    assert LiteRT().whole_in_delegate(exported.files[1].path)


@pytest.mark.slow
def test_negative_zero_is_a_zero_like_any_other(exported):
    picture = np.zeros((1, 3, 9, 8), np.float32)
    for file in exported.files:
        runner = runtime_for(file.path).load(file.path)
        given = picture if file.format is Format.ONNX else picture.transpose(0, 2, 3, 1)
        np.testing.assert_array_equal(runner.run([-given])[0], runner.run([given])[0])


@pytest.mark.slow
def test_exporting_twice_gives_the_same_bytes(foreign, exported, tmp_path):
    again = export_foreign(foreign, tmp_path, to=["onnx", "tflite"])
    for file, other in zip(exported.files, again.files, strict=True):
        assert file.path.read_bytes() == other.path.read_bytes()


def test_a_file_that_exists_is_kept_unless_told_otherwise(foreign, tmp_path):
    (tmp_path / "tiny.onnx").write_text("mine")
    with pytest.raises(OutputError, match="`overwrite=True`"):
        export_foreign(foreign, tmp_path)
    assert (tmp_path / "tiny.onnx").read_text() == "mine"


@pytest.mark.slow
@pytest.mark.parametrize(("form", "old"), [("onnx", "mine"), ("tflite", None)])
def test_nothing_is_written_that_was_not_verified(foreign, form, old, tmp_path):
    path = tmp_path / f"tiny.{form}"
    if old:
        path.write_text(old)
    with pytest.raises(VerificationError, match=rf"tiny\.{form} was not written"):
        export_foreign(foreign, tmp_path, to=form, atol=0, rtol=0, overwrite=True)
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == ({path.name: old} if old else {})


@pytest.mark.slow
def test_a_lowering_that_does_not_exist_is_refused_before_anything_is_written(foreign, tmp_path):
    with pytest.raises(LoweringError, match="depthwise"):
        export_foreign(foreign, tmp_path, shift="teleport")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_another_exporter_s_file_is_taken_in_place_of_a_checkpoint(tmp_path):
    net = any_network.AnyNetwork("forward-pad_slice_cat,2-grouped_conv,norm,relu,shuffle-2,9-grouped_conv").eval()
    path = tmp_path / "theirs.onnx"
    torch.onnx.export(net, (torch.zeros(1, 3, 9, 8),), path, dynamo=True, verbose=False)
    result = ssc_deploy.export(path, to=["onnx", "tflite"], output=tmp_path / "out")
    assert (result.rewrite.shifts, result.rewrite.shuffles, result.rewrite.group_pointwise) == (1, 1, 2)
    assert all(file.verification.ok for file in result.files)


@pytest.fixture(scope="module", params=NETWORKS)
def canonical(request, tmp_path_factory):
    """A network in canonical form and its check, which all of its lowerings share."""
    # At a size at which its last shifts still have more than one row to move.
    how = {"arch": request.param, "args": NETWORKS[request.param], "input_shape": (1, 3, 12, 8)}
    path = checkpoint(tmp_path_factory.mktemp("canonical") / "net.pt", request.param, **NETWORKS[request.param])
    found = stages.canonicalise(open_source(path, **how))
    assert found.report.refusals == ()
    return found, Check(found.source, found.model, None, None)


@pytest.mark.slow
@pytest.mark.parametrize("form", [Format.ONNX, Format.TFLITE])
@pytest.mark.parametrize(
    "options",
    [
        LoweringOptions(shift="depthwise", shuffle="transpose", batch=1),
        LoweringOptions(shift="slice", shuffle="gather", batch=4),
        LoweringOptions(shift="gather", shuffle="transpose", batch=None),
        LoweringOptions(batch=None),
    ],
    ids=lambda options: f"{options.shift}-{options.shuffle}",
)
def test_every_network_verifies_with_every_lowering(canonical, form, options, tmp_path):
    network, check = canonical
    lowered = stages.lower(network, form, options)
    data = stages.build(network.source, form, lowered).data
    path = tmp_path / f"net.{form.value}"
    path.write_bytes(data)
    verification = check(path)
    assert verification.ok, str(verification)
    if form is Format.ONNX:
        assert simplifies(data).is_simple
    elif (options.shift, options.shuffle) == ("depthwise", "transpose"):
        # LiteRT's GATHER runs outside of the delegate.
        assert LiteRT().whole_in_delegate(path)


@pytest.mark.slow
def test_another_size_order_stride_and_number_of_classes_verify(tmp_path):
    args = {"B": "1", "G": "9", "classes": "100", "order": "contiguous", "stride_at": "ssc1"}
    ckpt = checkpoint(tmp_path / "net.pt", "ssc-net", **args)
    options = {"to": ["onnx", "tflite"], "output": tmp_path, "arch": "ssc-net", "args": args}
    result = ssc_deploy.export(ckpt, **options, input_shape=(1, 3, 20, 12))
    assert all(file.verification.ok and file.path.is_file() for file in result.files)
    assert result.rewrite.refusals == ()


@pytest.mark.slow
def test_a_window_of_5x5_verifies(tmp_path):
    how = {"model": f"{any_network.__file__}:Wide", "input_shape": (1, 3, 6, 10), "output": tmp_path}
    result = ssc_deploy.export(None, to=["onnx", "tflite"], **how)
    assert (result.rewrite.shifts, result.rewrite.shuffles, result.rewrite.refusals) == (2, 1, ())
    for file in result.files:
        assert file.verification.movements.exact == file.verification.movements.total >= 3


def verifies(steps, seed, folder):
    """Exports a network of these steps; each file is verified by it."""
    args = {"steps": ",".join(steps), "seed": str(seed)}
    how = {"model": f"{any_network.__file__}:AnyNetwork", "args": args, "input_shape": (1, 3, 7, 6)}
    result = ssc_deploy.export(None, to=["onnx", "tflite"], output=folder, overwrite=True, **how)
    assert all(file.verification.ok for file in result.files)
    assert result.rewrite.refusals == ()


@pytest.mark.slow
@pytest.mark.parametrize(
    "steps",
    [
        ("module-roll_and_mask", "2-einsum", "relu", "shuffle-2", "forward-slice_assignment", "9-batched_matmul"),
        ("3-split_and_concat", "relu6", "forward-gather", "norm", "residual", "2-channels_last_linear"),
    ],
    ids=["views", "branches"],
)
def test_networks_of_any_steps_verify_on_both_runtimes(steps, tmp_path):
    verifies(steps, 0, tmp_path)


class Clipped(torch.nn.Module):
    """Shifts with an activation right behind each, and a convolution before."""

    def __init__(self, *activations):
        super().__init__()
        self.steps = torch.nn.Sequential()
        for n, activation in enumerate(activations):
            shift = spellings.Spelled(spellings.raster(9), spellings.REGULAR_SHIFTS["pad_slice_cat"])
            self.steps.extend([torch.nn.Conv2d(9 if n else 3, 9, 1), shift, activation])

    def forward(self, x):
        return self.steps(x).mean((2, 3))


@pytest.mark.slow
@pytest.mark.parametrize("shift", ["depthwise", "slice", "gather"])
@pytest.mark.filterwarnings("ignore")
def test_a_shift_may_have_an_activation_right_behind_it(shift, tmp_path):
    # The last range has no zero in it.
    clipping = torch.nn.Hardtanh(-0.5, 0.25), torch.nn.Hardtanh(0.25, 0.5)
    net = Clipped(torch.nn.ReLU(), torch.nn.ReLU6(), *clipping).eval()
    path = tmp_path / "theirs.onnx"
    torch.onnx.export(net, (torch.zeros(1, 3, 6, 5),), path, dynamo=False, verbose=False)
    result = ssc_deploy.export(path, to=["onnx", "tflite"], output=tmp_path / "out", shift=shift)
    assert result.rewrite.shifts == 4
    for file in result.files:
        assert file.verification.ok
        assert file.verification.movements.exact == file.verification.movements.checked == 4


@pytest.mark.slow
def test_movements_of_every_kind_are_checked_and_stay_in_one_delegate(tmp_path):
    how = {"model": f"{any_network.__file__}:Rearranged", "input_shape": (1, 3, 5, 7), "output": tmp_path}
    result = ssc_deploy.export(None, to=["onnx", "tflite"], batch=None, **how)
    assert result.rewrite.refusals == ()
    for file in result.files:
        assert file.verification.ok
        assert file.verification.movements.exact == file.verification.movements.total >= len(any_network.REARRANGED)
    assert LiteRT().whole_in_delegate(result.files[1].path)


@pytest.mark.slow
def test_movements_of_every_kind_are_found_in_a_channel_major_file(tmp_path):
    steps = "2-grouped_conv,relu,moved-edge_stays,9-grouped_conv,relu,moved-leftover_zero,2-grouped_conv"
    how = {"model": f"{any_network.__file__}:AnyNetwork", "args": {"steps": steps}, "input_shape": (1, 3, 6, 5)}
    result = ssc_deploy.export(None, to="tflite", layout="channel-major", output=tmp_path, **how)
    movements = result.files[0].verification.movements
    assert movements.exact == movements.total >= 2


@pytest.mark.slow
def test_modules_called_input_and_output_are_not_compared_with_the_file_s_own(tmp_path):
    how = {"model": f"{any_network.__file__}:Named", "input_shape": (1, 3, 6, 5), "output": tmp_path}
    assert all(file.verification.ok for file in ssc_deploy.export(None, to=["onnx", "tflite"], **how).files)


@pytest.mark.slow
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.sampled_from(any_network.STEPS), min_size=1, max_size=6), seed=st.integers(0, 99))
def test_networks_of_random_steps_verify_on_both_runtimes(steps, seed, tmp_path):
    verifies(steps, seed, tmp_path)


@pytest.mark.slow
def test_a_shuffle_costs_a_tflite_file_one_transpose():
    source = open_source(None, arch="ssc-net", args={"B": "1", "G": "9", "stem": "4"}, input_shape=(1, 3, 8, 8))
    canonical = stages.canonicalise(source)
    lowered = stages.lower(canonical, Format.TFLITE, LoweringOptions(batch=1))
    data = stages.build(source, Format.TFLITE, lowered).data
    assert canonical.report.shuffles == 3
    assert Counter(LiteRT().load(data).operators)["TRANSPOSE"] == 3
