"""The decoder of records, and the JSON Schemas that are made from the same classes."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

import pytest
from jsonschema import Draft202012Validator

from ssc_deploy.storage import json_schema, records
from ssc_deploy.storage.records import Above, AtLeast, AtMost, Matching, OneOf, Size


@dataclass(frozen=True)
class Inner:
    """A pair.

    Attributes:
        a: number.
        b: optional number.
    """

    a: Annotated[int, AtLeast(1), AtMost(5)]
    b: Annotated[float, Above(0)] | None = None


@dataclass(frozen=True)
class Whole:
    """All kinds of fields.

    Attributes:
        schema_version: of the format.
        text: short,
            and of small letters.
        kind: one of two.
        numbers: at least one.
        exact: two of them.
        inner: a record.
        table: of records, by short names.
        flag: true, false, or left out where it is false.
    """

    text: Annotated[str, Matching("[a-z]*", "word"), Size(1, 3)]
    kind: Annotated[str, OneOf(("x", "y"))]
    numbers: Annotated[tuple[Annotated[float, AtLeast(0), AtMost(9)], ...], Size(1)]
    exact: tuple[int, int]
    inner: Inner
    table: Annotated[dict[Annotated[str, Size(0, 2)], Inner], Size(1)] = field(default_factory=dict)
    flag: bool = field(default=False, metadata=records.SPARSE)
    schema_version: Annotated[int, OneOf((1,))] = 1

    COMPLETE: ClassVar[bool] = True


GOOD: dict[str, Any] = {
    "text": "abc",
    "kind": "x",
    "numbers": [0.0, 9.0],
    "exact": [1, -2],
    "inner": {"a": 5, "b": 0.5},
    "table": {"no": {"a": 1}},
    "schema_version": 1,
}
SCHEMA = json_schema.schema_of(Whole, "whole.json", 1, "A test.")
BAD = [
    *({key: value} for key in GOOD for value in (None, {}, "", 2.5, "abcd", [])),
    *({"text": text} for text in ("a\n", "A", "abcd")),
    *({"numbers": numbers} for numbers in ([-1e-9], [1, "2"], [9.5], [1.0, None], [True])),
    *({"exact": exact} for exact in ([1], [1, 2, 3], [1, 2**63], [1, 1.5])),
    *({"inner": inner} for inner in ({"a": 0}, {"a": 6}, {"a": 2**64}, {"b": 1.0}, {"a": 1, "b": 0}, {"a": True})),
    *({"table": table} for table in ({}, {"long": {"a": 1}}, {"no": {"a": 0}}, {"no": None})),
    {"flag": 1},
    {"schema_version": 2},
]


def accepted(value: dict[str, Any]) -> bool:
    """Whether the decoder takes it; the schema must say the same."""
    by_schema = Draft202012Validator(SCHEMA).is_valid(value)
    try:
        records.decode_version(Whole, value, 1)
    except ValueError:
        assert not by_schema
        return False
    assert by_schema
    return True


@pytest.mark.parametrize(
    "change",
    [{}, {"flag": True}, {"text": "a"}, {"kind": "y"}, {"numbers": [3, 0.25]}, {"inner": {"a": 1, "b": None}}],
    ids=str,
)
def test_the_decoder_and_the_schema_take_what_is_right(change):
    assert accepted({**GOOD, **change})


@pytest.mark.parametrize("change", BAD, ids=str)
def test_the_decoder_and_the_schema_refuse_what_is_wrong(change):
    assert not accepted({**GOOD, **change})


@pytest.mark.parametrize("key", GOOD)
def test_a_complete_record_has_each_key_that_is_not_sparse(key):
    assert not accepted({name: value for name, value in GOOD.items() if name != key})


def test_the_schema_takes_no_other_keys_and_the_decoder_names_them():
    unknown: list[str] = []
    records.decode_version(Whole, {**GOOD, "more": 1}, 1, unknown)
    assert unknown == ["more"]
    assert not Draft202012Validator(SCHEMA).is_valid({**GOOD, "more": 1})


def test_the_schema_explains_each_key_as_the_docstring_does():
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["properties"]["text"]["description"] == "short, and of small letters."
    assert SCHEMA["$defs"]["Inner"]["description"] == "A pair."


@pytest.mark.parametrize(
    ("numbers", "place"), [([1.0, math.inf], r"\[1\] is not finite"), ([1.0, 2, -1], r"\[2\] is -1.0, less")]
)
def test_of_many_numbers_the_wrong_one_is_named(numbers, place):
    with pytest.raises(ValueError, match=place):
        records.decode(Whole, {**GOOD, "numbers": numbers})
