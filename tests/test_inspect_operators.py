"""The list of operators that each format takes is that of the code that writes them."""

from __future__ import annotations

import json

import numpy as np
import pytest
from cli.tester import ssc
from graphs import Chain
from onnx import defs

from ssc_deploy.capture import supported
from ssc_deploy.emit.onnx_opset import OPSETS
from ssc_deploy.emit.onnx_substitutes import SUBSTITUTES
from ssc_deploy.emit.tflite.operators import OPERATORS
from ssc_deploy.errors import CaptureError
from ssc_deploy.inspection.operators import operators

LISTED = {operator.name: operator for operator in operators().operators}


def test_every_operator_that_is_written_to_tflite_is_listed_with_what_is_written():
    assert {name for name, operator in LISTED.items() if operator.tflite} == set(OPERATORS)
    assert all(operator.tflite is None or len(operator.tflite) > 2 for operator in LISTED.values())
    assert LISTED["Conv"].tflite.startswith("CONV_2D")
    assert LISTED["Det"].tflite is None


def test_the_opset_of_an_operator_is_the_first_that_has_it():
    assert (LISTED["Conv"].opset, LISTED["GridSample"].opset, LISTED["LayerNormalization"].opset) == (13, 16, 17)
    assert LISTED["GroupNormalization"].opset == 21  # that of opset 18 was withdrawn
    for name, operator in LISTED.items():
        assert operator.refusal or defs.has(name, operator.opset, "")
        assert operator.refusal or operator.opset >= OPSETS[0]


def test_operators_with_a_formula_for_older_opsets_say_so():
    assert {name for name, operator in LISTED.items() if operator.formula} == set(SUBSTITUTES)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("If", "control flow"),
        ("Loop", "control flow"),
        ("QLinearConv", "quantised network"),
        ("SequenceAt", "list of tensors"),
        ("ConcatFromSequence", "list of tensors"),
        ("OptionalHasElement", "list of tensors"),
        ("NonZero", "size depends on the image"),
        ("Bernoulli", "random numbers"),
    ],
)
def test_operators_that_no_file_can_hold_say_why(name, reason):
    operator = LISTED[name]
    assert reason in operator.refusal
    assert (operator.opset, operator.tflite) == (None, None)


SIZED_BY_VALUES = {
    "NonZero": Chain(6).then("NonZero"),
    "Unique": Chain(6).then("Unique"),
    "Compress": Chain(6).then("Compress", np.ones(6, bool)),
    "NonMaxSuppression": Chain(1, 2, 4).then("NonMaxSuppression", np.ones((1, 1, 2), np.float32)),
}


@pytest.mark.parametrize("name", SIZED_BY_VALUES)
def test_operators_that_are_said_to_have_no_fixed_size_are_refused(name):
    assert "size depends on the image" in LISTED[name].refusal
    with pytest.raises(CaptureError, match=name):
        supported.check(SIZED_BY_VALUES[name].build())


def test_text_operators_are_not_listed_since_no_image_leads_to_them():
    assert not {"StringConcat", "StringNormalizer", "RegexFullMatch"} & set(LISTED)


def test_the_command_prints_one_line_an_operator():
    outcome = ssc("inspect", "--operators")
    assert outcome.code == 0
    header, *lines = outcome.out.splitlines()
    assert header.split() == ["operator", ".tflite", ".onnx"]
    assert [line.split()[0] for line in lines] == list(LISTED)
    assert next(line for line in lines if line.startswith("Gelu ")).endswith("from opset 20, before it as a formula")


def test_the_command_gives_the_same_as_json():
    found = ssc("inspect", "--operators", "--format", "json").json
    assert found == json.loads(json.dumps(operators().to_dict()))
    assert (found["schema_version"], found["first_opset"], found["default_opset"]) == (1, 13, 17)


@pytest.mark.parametrize("more", [["net.pt"], ["--ckpt", "net.pt"], ["--arch", "ssc-net"], ["--stage", "rewrite"]])
def test_the_list_is_not_mixed_with_a_network(more):
    outcome = ssc("inspect", "--operators", *more)
    assert (outcome.code, outcome.out) == (2, "")
    assert "--operators is about the formats, not about a network; give it alone" in outcome.err
