"""`ssc_deploy.verify` from end to end on an ONNX source: no less strict than the verification of an export."""

import shutil

import networks
import numpy as np
import onnx
import pytest
from onnx import numpy_helper

import ssc_deploy
from ssc_deploy.errors import RuntimeLoadError


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """The source, and our export of it with its shifts as depthwise convolutions."""
    folder = tmp_path_factory.mktemp("exported")
    networks.write(networks.random_net(0), folder / "source.onnx", batch=1)
    result = ssc_deploy.export(folder / "source.onnx", output=folder / "out", shift="depthwise")
    return folder / "source.onnx", result.files[0].path


def test_what_was_exported_passes_with_its_movements_and_blocks(exported):
    source, file = exported
    report = ssc_deploy.verify(source, file)
    assert report.ok, str(report)
    assert (report.movements.total, report.movements.checked, report.movements.exact) == (4, 4, 4)
    assert report.blocks.compared > 10
    assert "4 movements bit-exact" in str(report)


def test_a_shift_that_is_off_by_one_rounding_fails(exported, tmp_path):
    source, file = exported
    model = onnx.load(file)
    shift = next(node for node in model.graph.node if node.output[0] == "body.0.shift")
    kernel = next(c for c in model.graph.initializer if c.name == shift.input[1])
    kernel.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(kernel) * np.float32(1 + 2**-23), kernel.name))
    onnx.save(model, tmp_path / "off.onnx")
    report = ssc_deploy.verify(source, tmp_path / "off.onnx")
    assert not report.ok
    assert report.tolerance.allows(report.error)
    # Both units shift alike, by one constant.
    assert "2 of 4 movements are not exact: body.0.shift" in report.failures[0]
    assert "2 of 4 movements bit-exact" in str(report)


@pytest.mark.quick(1)
@pytest.mark.parametrize("ours", [True, False])
def test_only_a_file_of_ours_must_have_every_movement(exported, tmp_path, ours):
    source, file = exported
    shutil.copy(file, tmp_path / "renamed.onnx")
    model = onnx.load(tmp_path / "renamed.onnx")
    for node in model.graph.node:
        for names in (node.input, node.output):
            names[:] = ["renamed" if name == "body.1.shift" else name for name in names]
    if not ours:
        del model.metadata_props[:]
    onnx.save(model, tmp_path / "renamed.onnx")
    report = ssc_deploy.verify(source, tmp_path / "renamed.onnx")
    assert report.ok == (not ours)
    if ours:
        assert "the file has no tensor body.1.shift" in report.failures[0]
    else:
        assert "3 of 4 movements found and bit-exact" in str(report)


def test_what_is_no_model_is_refused_before_the_network_is_looked_at(exported, tmp_path, monkeypatch):
    def looked(*_args, **_options):
        raise AssertionError

    monkeypatch.setattr("ssc_deploy.exporting.stages.canonicalise", looked)
    (tmp_path / "net.onnx").write_bytes(b"no model")
    with pytest.raises(RuntimeLoadError, match=r"net\.onnx"):
        ssc_deploy.verify(exported[0], tmp_path / "net.onnx")
