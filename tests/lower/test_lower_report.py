"""Reports of lowerings, and the registry of their names."""

from __future__ import annotations

import json

import pytest

from ssc_deploy.ir.roles import Role
from ssc_deploy.lower import DENSE, SHIFTS, SHUFFLES, Choice, LowerReport, Target, shift_gather
from ssc_deploy.lower.registry import Lowering, Registry


def choices(role: Role, *lowerings: str) -> tuple[Choice, ...]:
    return tuple(Choice(f"body.{i}.{role}", f"body.{i}", role, name) for i, name in enumerate(lowerings))


def test_one_lowering_for_all_is_named_once() -> None:
    moves = choices(Role.SHIFT, "depthwise", "depthwise") + choices(Role.SHUFFLE, "transpose")
    assert str(LowerReport(Target.LITERT, 1, moves)) == "shift=depthwise, shuffle=transpose"


def test_several_lowerings_are_counted_the_most_frequent_first() -> None:
    moves = choices(Role.SHIFT, "depthwise", "slice", "slice")
    report = LowerReport(Target.ONNXRUNTIME, None, moves)
    assert report.summary() == {"shift": "slice x2, depthwise x1"}


def test_a_network_that_moves_nothing_says_so() -> None:
    assert str(LowerReport(Target.LITERT, 1, ())) == "nothing to move"


def test_to_dict_survives_json() -> None:
    report = LowerReport(Target.ONNXRUNTIME, None, choices(Role.SHUFFLE, "gather"))
    assert json.loads(json.dumps(report.to_dict())) == {
        "target": "onnxruntime",
        "batch": None,
        "layout": "nhwc",
        "layout_reason": "",
        "shift": {},
        "shuffle": {"gather": 1},
        "dense": {},
        "grouped": {},
        "choices": [{"name": "body.0.shuffle", "block": "body.0", "role": "shuffle", "lowering": "gather"}],
    }


def test_the_names_are_those_that_are_documented() -> None:
    assert SHIFTS.names == ("depthwise", "slice", "gather", "flat")
    assert SHUFFLES.names == ("transpose", "planes", "gather")
    assert DENSE.names == ("plain", "tile-8", "tile-16", "tile-32")


def test_a_registry_refuses_a_name_that_is_taken() -> None:
    twin = Lowering("gather", lambda _: None, shift_gather.LOWERING.build)
    with pytest.raises(ValueError, match="gather is taken"):
        Registry(Role.SHIFT, (shift_gather.LOWERING, twin))


def test_a_registry_refuses_the_name_auto() -> None:
    with pytest.raises(ValueError, match="auto is taken"):
        Registry(Role.SHIFT, (Lowering("auto", lambda _: None, shift_gather.LOWERING.build),))
