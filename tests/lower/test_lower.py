"""Every lowering moves every pixel bit for bit, on both runtimes."""

from __future__ import annotations

import itertools

import numpy as np
import onnx_ir as ir
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moving import graph_of, numbered, run_litert, run_onnxruntime, signed

from ssc_deploy.errors import LoweringError
from ssc_deploy.ir import movement as mv
from ssc_deploy.ir import roles
from ssc_deploy.lower import SHIFTS, SHUFFLES, LoweringOptions, Target, lower

RUNS_OF = {Target.ONNXRUNTIME: (run_onnxruntime,), Target.LITERT: (run_onnxruntime, run_litert)}

SHIFTS_OF = {Target.ONNXRUNTIME: SHIFTS.names, Target.LITERT: tuple(name for name in SHIFTS.names if name != "flat")}
EVERY_SHIFT = [(target, name) for target, names in SHIFTS_OF.items() for name in names]

# What people's shifts look like: (dy, dx) of each channel.
OFFSETS = {
    "periodic": tuple((c % 9 // 3 - 1, c % 3 - 1) for c in range(27)),
    "Shift-Net with an unshifted rest": (
        *((c // 3 % 3 - 1, c % 3 - 1) for c in range(18)),
        *((0, 0) for _ in range(18, 25)),
    ),
    "contiguous groups": tuple((d // 3 - 1, d % 3 - 1) for d in range(9) for _ in range(3)),
    "irregular": ((2, -1), (0, 0), (-1, 1), (2, -1), (0, 2), (-1, 1), (1, 1)),
    "period of several runs": ((0, 1), (1, 0), (0, 1), (-1, 0)) * 3,
    "one way for all": ((1, -2),) * 4,
    "one channel": ((0, 1),),
    "past the picture": ((5, 0), (0, -9), (-4, 1), (0, 0)),
    "not at all": ((0, 0),) * 3,
}


def shuffle(groups: int, channels: int) -> mv.Movement:
    return mv.permutation(tuple(np.arange(channels).reshape(groups, -1).T.reshape(-1).tolist()))


@pytest.mark.quick(20)
@pytest.mark.parametrize(("target", "name"), EVERY_SHIFT)
@pytest.mark.parametrize("offsets", OFFSETS.values(), ids=OFFSETS)
@pytest.mark.parametrize("edge", mv.Edge)
def test_a_shift_moves_every_pixel_exactly(edge, offsets, name: str, target: Target) -> None:
    movement = mv.shift(offsets, edge)
    if name == "flat" and edge is not mv.Edge.ZERO:
        with pytest.raises(LoweringError, match="does not become zero; use slice or auto"):
            lower(graph_of([movement], (5, 4)), target, LoweringOptions(shift=name))
        return
    model = lower(graph_of([movement], (5, 4)), target, LoweringOptions(shift=name)).model
    for run, make in itertools.product(RUNS_OF[target], (numbered, signed)):
        x = make(1, len(offsets), 5, 4)
        np.testing.assert_array_equal(run(model, x), movement(x))


@pytest.mark.parametrize("target", RUNS_OF)
@pytest.mark.parametrize("name", SHUFFLES.names)
@pytest.mark.parametrize(("groups", "channels"), [(2, 18), (9, 27), (3, 9), (2, 4), (5, 10)])
def test_a_shuffle_moves_every_channel_exactly(groups: int, channels: int, name: str, target: Target) -> None:
    movement = shuffle(groups, channels)
    model = lower(graph_of([movement], (3, 5)), target, LoweringOptions(shuffle=name)).model
    for run, make in itertools.product(RUNS_OF[target], (numbered, signed)):
        x = make(1, channels, 3, 5)
        np.testing.assert_array_equal(run(model, x), movement(x))


@st.composite
def movements(draw: st.DrawFn, edges: st.SearchStrategy[mv.Edge]) -> list[mv.Movement]:
    """A few shifts and permutations in a row, of any offsets."""
    groups, per_group = draw(st.integers(1, 4)), draw(st.integers(1, 5))
    channels, reach = groups * per_group, draw(st.integers(1, 3))
    offset = st.tuples(st.integers(-reach, reach), st.integers(-reach, reach))
    offsets = st.one_of(
        st.lists(offset, min_size=channels, max_size=channels),
        st.lists(offset, min_size=per_group, max_size=per_group).map(lambda period: period * groups),
    )
    shifts = st.tuples(offsets, edges).map(lambda both: mv.shift(tuple(both[0]), both[1]))
    permutations = st.one_of(
        st.permutations(range(channels)).map(lambda p: mv.permutation(tuple(p))), st.just(shuffle(groups, channels))
    )
    return draw(st.lists(st.one_of(shifts, permutations), min_size=1, max_size=3))


@settings(max_examples=40, deadline=None)
@given(
    data=st.data(),
    size=st.tuples(st.integers(1, 6), st.integers(1, 6)),
    choice=st.sampled_from([*EVERY_SHIFT, *((target, "auto") for target in RUNS_OF)]),
    batches=st.tuples(st.integers(1, 2), st.sampled_from((None, 1, 2, 3))),
)
def test_any_movements_at_any_size_and_batch(data, size, choice, batches) -> None:
    (target, shift), (captured, batch) = choice, batches
    chain = data.draw(movements(st.just(mv.Edge.ZERO) if shift == "flat" else st.sampled_from(mv.Edge)))
    model = lower(graph_of(chain, size, captured), target, LoweringOptions(shift=shift, batch=batch)).model
    for n in (1, 3) if batch is None else (batch,):
        x = signed(n, chain[0].in_channels, *size)
        expected = x
        for movement in chain:
            expected = movement(expected)
        for run in RUNS_OF[target]:
            np.testing.assert_array_equal(run(model, x), expected)


@pytest.mark.parametrize("target", RUNS_OF)
def test_auto_takes_any_permutation_and_selection(target: Target) -> None:
    for movement in (mv.permutation((2, 0, 1, 4, 3)), mv.permutation((3, 1), 5)):
        lowered = lower(graph_of([movement], (3, 3)), target)
        assert lowered.report.summary() == {"shuffle": "gather"}
        for run in RUNS_OF[target]:
            np.testing.assert_array_equal(run(lowered.model, signed(1, 5, 3, 3)), movement(signed(1, 5, 3, 3)))


@pytest.mark.parametrize("source", [(2, 0, 1, 4, 3, 5), (1, 0, 2, 3, 4, 5), (0, 3, 1, 4)])
def test_transpose_refuses_what_is_no_transposition(source: tuple[int, ...]) -> None:
    model = graph_of([mv.permutation(source, 6)], (3, 3))
    with pytest.raises(LoweringError, match=r"shuffle Gather output of block body\.0 cannot be carried out by"):
        lower(model, Target.LITERT, LoweringOptions(shuffle="transpose"))


#: Parts of shuffles, as (in_channels, source): the halves of ShuffleNetV2, rows in the middle, a corner.
PARTS = {
    "first half": (12, (0, 6, 1, 7, 2, 8)),
    "second half": (12, (3, 9, 4, 10, 5, 11)),
    "some rows": (12, (3, 6, 4, 7, 5, 8)),
    "a corner": (20, (7, 12, 17, 8, 13, 18)),
    "all": (6, (0, 3, 1, 4, 2, 5)),
}


@pytest.mark.parametrize("target", RUNS_OF)
@pytest.mark.parametrize("batch", [1, 2, None])
@pytest.mark.parametrize(("channels", "source"), PARTS.values(), ids=PARTS)
def test_planes_carry_out_a_part_of_a_shuffle_exactly(channels, source, batch, target: Target) -> None:
    movement, n = mv.permutation(source, channels), batch or 3
    model = lower(graph_of([movement], (3, 5)), target, LoweringOptions(shuffle="planes", batch=batch)).model
    for run, make in itertools.product(RUNS_OF[target], (numbered, signed)):
        x = make(n, channels, 3, 5)
        np.testing.assert_array_equal(run(model, x), movement(x))


@pytest.mark.parametrize(
    ("channels", "source"),
    [
        (6, (2, 0, 1, 4, 3, 5)),
        (6, (0, 3, 1, 5)),
        (6, (0, 2, 4)),
        (6, (1, 2, 3)),
        (6, (4,)),
        (6, (0, 0)),
        (6, (3, 0, 4, 1)),
        (7, (0, 3, 1, 4)),
    ],
)
def test_planes_refuse_what_is_no_part_of_a_transposition(channels: int, source: tuple[int, ...]) -> None:
    model = graph_of([mv.permutation(source, channels)], (3, 3))
    with pytest.raises(LoweringError, match=r"by planes: its channels are no part of a transposition .* use gather"):
        lower(model, Target.LITERT, LoweringOptions(shuffle="planes"))


@pytest.mark.parametrize(
    ("movement", "name"),
    [
        (shuffle(2, 116), "planes"),
        (shuffle(58, 116), "planes"),
        (shuffle(3, 60), "planes"),
        (shuffle(4, 64), "transpose"),
        (shuffle(9, 81), "transpose"),
        (mv.permutation((0, 6, 1, 7, 2, 8), 12), "planes"),
        (mv.permutation((0, 2, 4), 6), "gather"),
    ],
)
def test_shuffles_of_few_groups_and_parts_of_any_are_carried_out_over_planes(movement: mv.Movement, name: str) -> None:
    assert lower(graph_of([movement], (3, 3)), Target.LITERT).report.summary() == {"shuffle": name}
    assert lower(graph_of([movement], (3, 3)), Target.ONNXRUNTIME).report.summary() == {"shuffle": "gather"}


def test_gather_refuses_what_32_bits_do_not_index() -> None:
    model = graph_of([mv.shift(((0, 1), (1, 0)))], (20_000, 20_000))
    with pytest.raises(LoweringError, match="too large for 32-bit indices"):
        lower(model, Target.ONNXRUNTIME, LoweringOptions(shift="gather"))


@pytest.mark.parametrize("kind", ["shift", "shuffle"])
def test_an_unknown_name_lists_the_known(kind: str) -> None:
    with pytest.raises(LoweringError, match=rf"no {kind} lowering 'roll'; choose one of auto, .*gather"):
        lower(graph_of([mv.shift(((0, 1),))], (3, 3)), Target.LITERT, LoweringOptions(**{kind: "roll"}))


def test_the_canonical_graph_is_left_as_it_is() -> None:
    model = graph_of([mv.shift(OFFSETS["periodic"]), shuffle(3, 27)], (5, 4))
    before = ir.to_proto(model).SerializeToString(deterministic=True)
    lower(model, Target.LITERT, LoweringOptions(shift="slice", shuffle="transpose", batch=None))
    assert ir.to_proto(model).SerializeToString(deterministic=True) == before


@pytest.mark.parametrize(("target", "shift"), EVERY_SHIFT)
@pytest.mark.parametrize("shuffle_name", SHUFFLES.names)
def test_names_roles_and_blocks_stay(shift: str, shuffle_name: str, target: Target) -> None:
    model = graph_of([mv.shift(OFFSETS["periodic"]), shuffle(3, 27)], (5, 4))
    lowered = lower(model, target, LoweringOptions(shift=shift, shuffle=shuffle_name)).model
    assert [value.name for value in lowered.graph.outputs] == ["output"]
    values = [value.name for node in lowered.graph for value in node.outputs]
    assert "body.0.move" in values
    assert len(values) == len(set(values))
    for node in lowered.graph:
        first = node.outputs[0].name.startswith("body.0.move")
        assert first or node.outputs[0].name.startswith("output")
        assert roles.role(node) is (roles.Role.SHIFT if first else roles.Role.SHUFFLE)
        assert roles.block(node) == ("body.0" if first else "body.1")


@pytest.mark.parametrize("name", SHIFTS.names)
def test_shifts_of_a_stage_share_their_constants(name: str) -> None:
    movement = mv.shift(OFFSETS["periodic"] * 6)
    one = lower(graph_of([movement], (12, 12)), Target.ONNXRUNTIME, LoweringOptions(shift=name)).model
    three = lower(graph_of([movement] * 3, (12, 12)), Target.ONNXRUNTIME, LoweringOptions(shift=name)).model
    assert len(three.graph.initializers) == len(one.graph.initializers)


def test_slices_for_litert_are_joined_a_few_at_a_time() -> None:
    model = lower(
        graph_of([mv.shift(OFFSETS["contiguous groups"])], (5, 4)), Target.LITERT, LoweringOptions(shift="slice")
    ).model
    fan_in = [len(node.inputs) for node in model.graph if node.op_type == "Concat"]
    assert sum(fan_in) - len(fan_in) + 1 == 9
    assert max(fan_in) <= 4


@pytest.mark.parametrize(
    ("target", "channels", "size", "expected"),
    [
        (Target.ONNXRUNTIME, 81, 32, "slice"),  # no convolution that a flat shift's mask could go into
        (Target.ONNXRUNTIME, 162, 16, "slice"),
        (Target.ONNXRUNTIME, 324, 8, "depthwise"),  # multiple of four: the blocked kernel
        (Target.ONNXRUNTIME, 27, 8, "depthwise"),  # tiny
        (Target.LITERT, 81, 32, "depthwise"),
        (Target.LITERT, 324, 8, "depthwise"),
    ],
)
def test_auto_takes_what_was_measured(target: Target, channels: int, size: int, expected: str) -> None:
    offsets = tuple((c % 9 // 3 - 1, c % 3 - 1) for c in range(channels))
    report = lower(graph_of([mv.shift(offsets), shuffle(channels // 9, channels)], (size, size)), target).report
    assert report.summary() == {
        "shift": expected,
        "shuffle": "transpose" if target is Target.LITERT else "gather",
    }
