import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

import ssc_deploy
from ssc_deploy import metadata as file_metadata
from ssc_deploy import pictures
from ssc_deploy.errors import LabelsError, PictureError, PreprocessingError, RuntimeLoadError
from ssc_deploy.metadata import COVER, NO_RESIZE, ModelMetadata, Preprocessing
from ssc_deploy.output_kind import softmax
from ssc_deploy.predict import load_model, run

PREPROCESSING = Preprocessing((0.5, 0.4, 0.3), (0.2, 0.25, 0.3))
LABELS = ("cat", "dog", "frog", "ship")
WEIGHT = np.random.default_rng(0).standard_normal((4, 3 * 4 * 6)).astype(np.float32) / 5
PIXELS = np.random.default_rng(1).integers(0, 256, (7, 4, 6, 3), np.uint8)


def written(path, *, batch="batch", about="ours", inputs=1, **changes):
    """A linear classifier of 4 x 6 pictures; ``about`` is its metadata, None for none."""
    nodes = [
        helper.make_node("Flatten", ["input0"], ["flat"]),
        helper.make_node("Gemm", ["flat", "w"], ["logits"], transB=1),
    ]
    shape = [batch, 3, 4, 6]
    taken = [helper.make_tensor_value_info(f"input{i}", TensorProto.FLOAT, shape) for i in range(inputs)]
    given = [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [batch, 4])]
    graph = helper.make_graph(nodes, "linear", taken, given, [numpy_helper.from_array(WEIGHT, "w")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    if about == "ours":
        fields = {"layout": "NCHW", "preprocessing": PREPROCESSING, "labels": LABELS, **changes}
        about = ModelMetadata("Linear", "linear.pt", "0" * 64, input_shape=(0, 3, 4, 6), **fields).to_json()
    if about is not None:
        helper.set_model_props(model, {file_metadata.KEY: about})
    onnx.save(model, path)
    return path


@pytest.fixture
def path(tmp_path):
    return written(tmp_path / "linear.onnx")


def expected(pixels):
    x = pictures.preprocess(list(pixels), PREPROCESSING, "NCHW").astype(np.float64)
    return x.reshape(len(x), -1) @ WEIGHT.T.astype(np.float64)


def test_logits_are_those_of_the_network_for_one_picture_and_for_many(path):
    model = load_model(path)
    np.testing.assert_allclose(model.logits(PIXELS), expected(PIXELS), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(model.logits(PIXELS[0]), expected(PIXELS[:1]), rtol=1e-5, atol=1e-5)
    assert model.logits(list(PIXELS)).dtype == np.float32


def test_a_prediction_holds_the_best_classes_with_labels_and_probabilities(path):
    prediction = load_model(path).predict(PIXELS[2], top_k=3)[0]
    exact = softmax(expected(PIXELS[2:3]))[0]
    order = np.argsort(-exact)[:3]
    assert [candidate.index for candidate in prediction.top] == order.tolist()
    assert [candidate.label for candidate in prediction.top] == [LABELS[i] for i in order]
    np.testing.assert_allclose([c.probability for c in prediction.top], exact[order], rtol=1e-5)
    assert json.loads(json.dumps(prediction.to_dict()))["top"][0]["label"] == LABELS[order[0]]


def test_all_classes_add_up_to_one_and_no_more_come_than_there_are(path):
    top = load_model(path).predict(PIXELS[0], top_k=100)[0].top
    assert len(top) == 4
    assert sum(candidate.probability for candidate in top) == pytest.approx(1.0, abs=1e-15)


def test_paths_arrays_and_images_give_the_same(tmp_path, path):
    image = Image.fromarray(PIXELS[0])
    image.save(tmp_path / "cat.png")
    predictions = load_model(path).predict([tmp_path / "cat.png", str(tmp_path / "cat.png"), PIXELS[0], image])
    assert len({prediction.top for prediction in predictions}) == 1
    assert predictions[0].picture == str(tmp_path / "cat.png")


@pytest.mark.parametrize("batch", [1, 3, 16])
def test_a_fixed_batch_takes_any_number_of_pictures(tmp_path, path, batch):
    fixed = load_model(written(tmp_path / "fixed.onnx", batch=batch))
    many = np.concatenate([PIXELS] * 6)
    np.testing.assert_allclose(fixed.logits(many), load_model(path).logits(many), rtol=1e-5, atol=1e-5)


def test_another_size_is_an_error_unless_resizing_is_asked_for(path):
    large = np.full((40, 60, 3), 7, np.uint8)
    with pytest.raises(PictureError, match="the network takes 6x4"):
        load_model(path).predict(large)
    small = load_model(path).logits(np.full((4, 6, 3), 7, np.uint8))
    assert np.array_equal(load_model(path, resize=True).logits(large), small)


def test_no_pictures_is_an_error(path):
    with pytest.raises(PictureError, match="no images"):
        load_model(path).predict([])


def test_the_file_tells_about_itself(path):
    model = load_model(path)
    assert model.metadata.network == "Linear"
    assert model.labels == LABELS
    assert model.input_shape == (3, 4, 6)


def test_without_labels_a_class_is_its_number(tmp_path):
    prediction = load_model(written(tmp_path / "a.onnx", labels=())).predict(PIXELS[0])[0]
    assert all(candidate.label == str(candidate.index) for candidate in prediction.top)


@pytest.mark.filterwarnings("ignore:.*never writes")
@pytest.mark.parametrize("about", [None, "{}", "not json"])
def test_a_file_of_other_origin_says_what_to_pass_and_runs_with_it(tmp_path, path, about):
    foreign = written(tmp_path / "foreign.onnx", about=about)
    with pytest.raises(RuntimeLoadError, match=r"foreign\.onnx does not say .* give `preprocessing="):
        load_model(foreign)
    model = load_model(foreign, preprocessing=PREPROCESSING, labels=LABELS)
    assert model.metadata is None
    assert model.predict(PIXELS[0]) == load_model(path).predict(PIXELS[0])


@pytest.mark.parametrize("preprocessing", [Preprocessing((0.5,), (0.5,), "L")])
def test_preprocessing_of_another_number_of_channels_is_refused_before_anything_runs(tmp_path, preprocessing):
    with pytest.raises(PreprocessingError, match=r"a\.onnx takes 3 channels, but its preprocessing is of L"):
        load_model(written(tmp_path / "a.onnx", preprocessing=preprocessing))


def test_what_is_no_classifier_of_one_picture_is_refused(tmp_path):
    with pytest.raises(RuntimeLoadError, match="one float32 image"):
        load_model(written(tmp_path / "a.onnx", inputs=2))
    with pytest.raises(RuntimeLoadError, match="layout is 'CHWN', no layout, NCHW or NHWC"):
        load_model(written(tmp_path / "b.onnx", layout="CHWN"))


@pytest.mark.parametrize("given", [[np.zeros((1, 3, 8, 8)), np.zeros((1, 2))], {"input": 1}, ["cat.png"]])
def test_what_is_not_one_array_of_numbers_is_refused_with_the_way_to_give_several(path, given):
    with pytest.raises(RuntimeLoadError, match=r"as in run\(path, first, second\)"):
        run(path, given)


def test_a_missing_file_and_an_unknown_suffix_are_refused(tmp_path):
    with pytest.raises(RuntimeLoadError, match="is not there"):
        load_model(tmp_path / "a.onnx")
    (tmp_path / "a.txt").write_text("no model")
    with pytest.raises(RuntimeLoadError, match=r"a\.txt"):
        load_model(tmp_path / "a.txt")


@pytest.mark.parametrize("given", [LABELS[:3], (*LABELS, "background"), ("background", *LABELS)])
def test_labels_of_another_number_than_the_outputs_are_refused(tmp_path, path, given):
    with pytest.raises(LabelsError, match=rf"lists {len(given)} labels, the network has 4 outputs"):
        load_model(path, labels=given)
    with pytest.raises(LabelsError, match=rf"a\.onnx lists {len(given)} labels, the network has 4 outputs"):
        load_model(written(tmp_path / "a.onnx", labels=given))
    with pytest.raises(LabelsError, match="a list of names"):
        load_model(path, labels="abcd")


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [("labels", 5, "labels is not a list"), ("network", None, "network is null"), ("schema_version", 2, "use a newer")],
)
def test_a_damaged_file_of_ours_is_not_taken_for_another_programs(tmp_path, path, key, value, sentence):
    whole = json.loads(load_model(path).metadata.to_json())
    damaged = written(tmp_path / "a.onnx", about=json.dumps(whole | {key: value}))
    with pytest.raises(RuntimeLoadError, match=rf"a\.onnx: what ssc-deploy wrote .* {sentence}"):
        load_model(damaged, preprocessing=PREPROCESSING, labels=LABELS)


def test_a_newer_files_labels_are_used(tmp_path, path):
    whole = json.loads(load_model(path).metadata.to_json())
    newer = written(tmp_path / "a.onnx", about=json.dumps(whole | {"licence": "MIT"}))
    with pytest.warns(UserWarning, match="licence"):
        assert load_model(newer).labels == LABELS


def test_softmax_stays_finite_and_sums_to_one():
    probabilities = softmax(np.array([[1e30, 0.0, -1e30], [1000.0, 1000.0, 1000.0]], np.float32))
    assert probabilities.dtype == np.float64
    np.testing.assert_allclose(probabilities, [[1, 0, 0], [1 / 3] * 3])


def test_running_a_model_imports_neither_torch_nor_onnxscript(path):
    script = (
        "import sys, numpy as np\n"
        "from ssc_deploy.predict import load_model, run\n"
        "assert load_model(sys.argv[1]).predict(np.zeros((4, 6, 3), np.uint8))[0].top\n"
        "print([name for name in ('torch', 'onnxscript', 'onnx_ir') if name in sys.modules])\n"
    )
    root = Path(ssc_deploy.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_a_file_that_says_so_scales_images_of_another_size(tmp_path):
    larger = np.random.default_rng(2).integers(0, 256, (9, 13, 3), np.uint8)
    asked = load_model(written(tmp_path / "silent.onnx"), resize=True).logits(larger)
    scaling = dataclasses.replace(PREPROCESSING, resize=COVER)
    told = load_model(written(tmp_path / "scaling.onnx", preprocessing=scaling))
    np.testing.assert_array_equal(told.logits(larger), asked)
    for rule in (None, NO_RESIZE):
        refusing = dataclasses.replace(PREPROCESSING, resize=rule)
        with pytest.raises(PictureError, match="the network takes 6x4"):
            load_model(written(tmp_path / "refusing.onnx", preprocessing=refusing)).logits(larger)


def test_a_file_with_an_unknown_rule_of_scaling_is_refused(tmp_path):
    text = ModelMetadata("Linear", "", "", "NCHW", (0, 3, 4, 6), PREPROCESSING).to_json()
    raw = json.loads(text)
    raw["preprocessing"]["resize"] = "stretch"
    with pytest.raises(RuntimeLoadError, match="resize must be none or shorter-side-bilinear-center-crop"):
        load_model(written(tmp_path / "odd.onnx", about=json.dumps(raw)))
