"""What an exported file says about itself, however it was changed on the way."""

import dataclasses
import json
import math

import numpy as np
import pytest

from ssc_deploy.errors import PreprocessingError
from ssc_deploy.metadata import ModelMetadata, Preprocessing, Weights
from ssc_deploy.output_kind import Output

WHOLE = ModelMetadata(
    network="Net",
    source="net.pt",
    source_sha256="ab" * 32,
    layout="NHWC",
    input_shape=(0, 3, 8, 6),
    preprocessing=Preprocessing((0.5, 0.4, 0.3), (0.2, 0.25, 0.3), "BGR"),
    labels=("cat", "dog"),
    lowering={"shift": "slice"},
    versions={"torch": "2"},
    output=Output("probabilities", (2,)),
    weights=Weights("averaged", "ema.module"),
    movements={"body": "shuffle"},
)


def changed(**keys):
    return json.dumps(json.loads(WHOLE.to_json()) | keys)


def test_what_is_written_is_read_again():
    assert ModelMetadata.from_json(WHOLE.to_json()) == WHOLE
    plain = ModelMetadata("Net", "", "", "NCHW", (1, 1, 1, 1))
    assert ModelMetadata.from_json(plain.to_json()) == plain


@pytest.mark.parametrize("key", ["output", "weights"])
def test_a_file_of_before_a_key_was_written_is_read(key):
    old = json.loads(WHOLE.to_json())
    del old[key]
    assert ModelMetadata.from_json(json.dumps(old)) == dataclasses.replace(WHOLE, **{key: None})


def test_weights_are_said_in_words():
    assert str(WHOLE.weights) == "averaged weights of ema.module"
    assert str(Weights("raw")) == "raw weights of the whole checkpoint"
    assert str(Weights("unknown", "best")) == "weights of best"


@pytest.mark.parametrize("more", [{"licence": "MIT"}, {"licence": None, "trained": {"on": ["a"]}}])
def test_keys_of_a_newer_program_are_ignored_with_a_warning(more):
    with pytest.warns(UserWarning, match="does not know .licence"):
        assert ModelMetadata.from_json(changed(**more)) == WHOLE


def test_a_newer_key_inside_is_ignored_with_a_warning():
    preprocessing = json.loads(WHOLE.to_json())["preprocessing"] | {"crop": 256}
    with pytest.warns(UserWarning, match=r"preprocessing\.crop"):
        assert ModelMetadata.from_json(changed(preprocessing=preprocessing)) == WHOLE


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"labels": 5}, "labels is not a list"),
        ({"labels": "cat"}, "labels is not a list"),
        ({"labels": ["cat", 3]}, r"labels\[1\] is 3, not a str"),
        ({"labels": ["cat", None]}, r"labels\[1\] is null, not a str"),
        ({"labels": ["\ud800"]}, "half a character"),
        ({"network": None}, "network is null, not a str"),
        ({"network": ["Net"]}, "network is a list, not a str"),
        ({"source_sha256": "abc"}, "no SHA-256"),
        ({"layout": "CHWN"}, "no layout, NCHW or NHWC"),
        ({"layout": 1}, "layout is 1"),
        ({"weights": "ema"}, "weights is not an object"),
        ({"quantization": {"mode": "int4"}}, r"quantization\.mode is 'int4', no way of quantising"),
        ({"quantization": {"mode": "int8", "weight_bits": 1}}, r"quantization\.weight_bits is 1"),
        ({"quantization": {"mode": "int8", "grids": [{"name": "x", "scale": 0.0, "zero_point": 0}]}}, "scale is 0"),
        (
            {"quantization": {"mode": "int8", "grids": [{"name": "x", "scale": 1.0, "zero_point": 200}]}},
            "zero_point is",
        ),
        ({"weights": {"role": "best"}}, r"weights\.role is 'best', no kind of weights"),
        ({"input_shape": []}, "input_shape is .* must be at least"),
        ({"input_shape": [1, 3, -8, 8]}, "input_shape is .* must be at least"),
        ({"input_shape": [-1, 3, 8, 8]}, "input_shape is .* must be at least"),
        ({"input_shape": [1, 3, 8, 0]}, "input_shape is .* must be at least"),
        ({"input_shape": [1, 3, 8, 1.5]}, r"input_shape\[3\] is 1.5, not a int"),
        ({"input_shape": [1, 3, 8, True]}, r"input_shape\[3\] is True, not a int"),
        ({"input_shape": [1, 3, 8, 10**30]}, "more than 64 bits"),
        ({"input_shape": "1,3,8,8"}, "input_shape is not a list"),
        ({"preprocessing": 5}, "preprocessing is not an object"),
        ({"preprocessing": {"mean": 1, "std": [1]}}, r"preprocessing\.mean is not a list"),
        ({"preprocessing": {"mean": [0.5] * 3}}, r"preprocessing\.std is missing"),
        ({"preprocessing": {"mean": ["a"] * 3, "std": [1] * 3}}, r"preprocessing\.mean\[0\] is 'a', not a float"),
        ({"preprocessing": {"mean": [0.5] * 3, "std": [1, 0, 1]}}, "preprocessing: std must be above 0"),
        ({"preprocessing": {"mean": [0.5] * 3, "std": [1, math.inf, 1]}}, r"std\[1\] is not finite"),
        ({"preprocessing": {"mean": [math.nan] * 3, "std": [1] * 3}}, r"mean\[0\] is not finite"),
        ({"preprocessing": {"mean": [0.5] * 3, "std": [1] * 3, "colour": "XYZ"}}, "colour must be RGB, BGR or L"),
        ({"lowering": []}, "lowering is not an object"),
        ({"lowering": {"shift": 3}}, r"lowering\.shift is 3"),
        ({"movements": {"body": "roll"}}, r"movements\.body is 'roll', no movement"),
        ({"output": "scores"}, "output is not an object"),
        ({"output": {"kind": "vibes", "shape": [2]}}, r"output\.kind is 'vibes', no kind of output"),
        ({"output": {"kind": "scores", "shape": [-2]}}, r"output\.shape\[0\] is -2, less than 1"),
        ({"schema_version": 2}, "schema version 2, and this program reads schema version 1; use a newer ssc-deploy"),
        ({"schema_version": 0}, "schema version 0"),
        ({"schema_version": True}, "schema version"),
        ({"schema_version": "1"}, "schema version"),
    ],
)
def test_what_is_wrong_is_named_by_its_key(keys, sentence):
    with pytest.raises(ValueError, match=sentence):
        ModelMetadata.from_json(changed(**keys))


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"schema_version": 1, "labels": ' + "[" * 100_000, "{}", "5", "null", "x"]
)
def test_what_is_no_record_at_all_is_a_value_error(text):
    with pytest.raises(ValueError, match=r"."):
        ModelMetadata.from_json(text)


@pytest.mark.parametrize(
    ("mean", "std", "colour", "sentence"),
    [
        ((0.5,) * 3, (1.0,) * 3, "XYZ", "colour must be RGB, BGR or L, not 'XYZ'"),
        ((0.5,) * 3, (1.0,) * 3, "rgb", "colour must be"),
        ((0.5,) * 3, (1.0,) * 3, None, "colour must be"),
        ((0.5,), (1.0,), "RGB", "mean must have one number for each channel of RGB, not 1"),
        ((0.5,) * 3, (1.0,) * 4, "RGB", "std must have one number for each channel of RGB, not 4"),
        ((0.5,) * 3, (1.0,) * 3, "L", "mean must have one number for each channel of L, not 3"),
        ((0.5,) * 3, (1.0, 0.0, 1.0), "RGB", "std must be above 0"),
        ((0.5,) * 3, (1.0, -0.0, 1.0), "RGB", "std must be above 0"),
        ((0.5,) * 3, (1.0, -1.0, 1.0), "RGB", "std must be above 0"),
        ((0.5,) * 3, (1.0, 1e-46, 1.0), "RGB", "std must be above 0"),  # 0 in float32
        ((0.5,) * 3, (1.0, 1e39, 1.0), "RGB", "std must be above 0"),  # Inf in float32
        ((0.5,) * 3, (math.inf,) * 3, "RGB", "std must be finite"),
        ((0.5,) * 3, (math.nan,) * 3, "RGB", "std must be finite"),
        ((math.nan,) * 3, (1.0,) * 3, "RGB", "mean must be finite"),
        ((0.5, -math.inf, 0.5), (1.0,) * 3, "RGB", "mean must be finite"),
        ((1e39,) * 3, (1.0,) * 3, "RGB", "mean must be finite and at most"),
        ((1e20,) * 3, (1e-25,) * 3, "RGB", "inputs leave float32"),
        (("a", "b", "c"), (1.0,) * 3, "RGB", "mean must hold numbers alone"),
        ((True, 0, 0), (1.0,) * 3, "RGB", "mean must hold numbers alone"),
        (0.5, (1.0,) * 3, "RGB", "mean must be a list"),
        (None, (1.0,) * 3, "RGB", "mean must be a list"),
    ],
)
def test_preprocessing_by_which_no_image_can_become_an_input_cannot_be_made(mean, std, colour, sentence):
    with pytest.raises(PreprocessingError, match=sentence):
        Preprocessing(mean, std, colour)


def test_preprocessing_takes_any_numbers_and_any_list():
    given = Preprocessing(np.array([0.5, 0.25, 1], np.float32), [1, 2, np.float64(0.5)])
    assert given == Preprocessing((0.5, 0.25, 1.0), (1.0, 2.0, 0.5), "RGB")
    assert all(type(value) is float for value in (*given.mean, *given.std))
