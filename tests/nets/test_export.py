"""Every architecture becomes a verified .onnx and .tflite; at reduced depth, which has the same structure."""

import numpy as np
import pytest
import torch

import ssc_deploy
from ssc_deploy import checkpoint, inspection, nets
from ssc_deploy.ir.roles import Role
from ssc_deploy.nets import igcv3, mobilenet_v2, shufflenet, torchvision_resnet
from ssc_deploy.runtimes import runtime_for

#: Arguments of small ones.
SMALL = {
    "ssc-net": [{"G": 9}],
    "shift-net": [{"B": 1, "e": 2}],
    "resnet": [{"B": 1}, {"B": 1, "shortcut": "zero-pad"}],
    "pre-resnet": [{"B": 1}],
    "mobilenet-v2": [{"width": 0.35, "form": "cifar", "classes": 10}],
    "igcv2": [{"B": 1, "C": 32}],
    "igcv3": [{"width": 0.25}],
    "densenet": [{"L": 10}, {"L": 16, "bottleneck": True, "theta": 0.5, "stem": 24}],
    "swapout": [{"B": 1}],
    "dfn-mr": [{"B": 1}],
    "shufflenet": [{"scale": 0.5}],
    "torchvision-resnet": [{"depth": 18, "classes": 10}],
}


@pytest.fixture
def shallow(monkeypatch):
    """Two blocks in one stage, and one in the others, where no argument says so."""
    stages = [(t, c, 2 if n == 2 else 1, s) for t, c, n, s in mobilenet_v2.STAGES]
    monkeypatch.setattr(mobilenet_v2, "STAGES", tuple(stages))
    monkeypatch.setattr(igcv3, "BLOCKS", tuple(n for *_, n, _ in stages))
    monkeypatch.setattr(shufflenet, "UNITS", (2, 1, 1))
    monkeypatch.setitem(torchvision_resnet.DEPTHS, 18, ((2, 1, 1, 1), 1))


def test_every_architecture_has_a_case():
    assert set(SMALL) == set(nets.names())


@pytest.mark.slow
@pytest.mark.usefixtures("shallow")
@pytest.mark.parametrize(("arch", "args"), [(arch, args) for arch, cases in SMALL.items() for args in cases])
def test_network_becomes_verified_files(arch, args, pictured, golden, tmp_path):
    net = pictured(arch, **args)
    path = tmp_path / "net.pt"
    checkpoint.save(net, path)
    result = ssc_deploy.export(path, to=["onnx", "tflite"], output=tmp_path, input_shape=(1, 3, 16, 16))
    with torch.no_grad():
        exact = net.double()(golden.double()).numpy()
    largest = np.abs(exact).max()
    # What each logit says depends on the picture, and by far more than by what rounding in float32 may cost it.
    assert np.ptp(exact, 0).min() > 1e-2 * largest
    for file in result.files:
        np.testing.assert_allclose(_logits(file.path, golden.numpy()), exact, rtol=0, atol=1e-4 * largest)
    onnx, tflite = (inspection.inspect(file.path) for file in result.files)
    assert "BatchNormalization" not in onnx.operators
    # The graph runs in XNNPACK, and no layout is converted: shuffles alone transpose, once or to planes and back.
    assert tflite.delegates == 1
    shuffles = [choice.lowering for choice in result.files[1].lowering.choices if choice.role is Role.SHUFFLE]
    assert len(shuffles) == result.rewrite.shuffles
    assert tflite.operators.get("TRANSPOSE", 0) == sum({"transpose": 1, "planes": 2}[name] for name in shuffles)


def _logits(path, pictures):
    runtime = runtime_for(path)
    runner = runtime.load(path)
    given = pictures if runtime.image_layout == "NCHW" else pictures.transpose(0, 2, 3, 1)
    return np.concatenate([runner.run([np.ascontiguousarray(picture[None])])[0] for picture in given])
