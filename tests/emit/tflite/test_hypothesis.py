"""Random uses of the operators with the most parameters."""

from __future__ import annotations

import numpy as np
import pytest
from emit.tflite.tester import Tester, integers, random
from hypothesis import assume, given, settings
from hypothesis import strategies as st

small = st.integers(1, 3)
pairs = st.tuples(small, small)
pads = st.tuples(*[st.integers(0, 3)] * 4)

quick = settings(max_examples=60, deadline=None)


@quick
@given(
    groups=st.integers(1, 4),
    group_inputs=small,
    group_outputs=small,
    size=st.tuples(st.integers(3, 9), st.integers(3, 9)),
    kernel=pairs,
    strides=pairs,
    dilations=pairs,
    padding=pads,
    bias=st.booleans(),
)
def test_conv_of_any_shape(
    *, groups, group_inputs, group_outputs, size, kernel, strides, dilations, padding, bias
) -> None:
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
    assume(all(size[i] + padding[i] + padding[i + 2] >= reach[i] for i in range(2)))
    outputs = groups * group_outputs
    weights = [random(outputs, group_inputs, *kernel)] + ([random(outputs, seed=1)] if bias else [])
    tester = Tester((2, groups * group_inputs, *size))
    tester.op("Conv", *weights, group=groups, strides=strides, dilations=dilations, pads=padding).op("Relu").compare()


@quick
@given(
    op_type=st.sampled_from(["MaxPool", "AveragePool"]),
    size=st.tuples(st.integers(3, 9), st.integers(3, 9)),
    kernel=pairs,
    strides=pairs,
    padding=pads,
    counted=st.booleans(),
    ceil=st.booleans(),
)
def test_pooling_of_any_shape(*, op_type, size, kernel, strides, padding, counted, ceil) -> None:
    assume(not (ceil and counted))
    padding = [width % kernel[i % 2] for i, width in enumerate(padding)]
    attributes = {"count_include_pad": int(counted)} if op_type == "AveragePool" else {}
    attributes["ceil_mode"] = int(ceil)
    Tester((1, 2, *size)).op(op_type, kernel_shape=kernel, strides=strides, pads=padding, **attributes).compare()


@quick
@given(data=st.data(), shape=st.lists(st.integers(1, 6), min_size=2, max_size=5))
@pytest.mark.slow
def test_slice_of_any_span(data, shape) -> None:
    axes = data.draw(st.lists(st.integers(0, len(shape) - 1), min_size=1, unique=True))
    spans = []
    for axis in axes:
        size = shape[axis]
        first, last = data.draw(st.integers(0, size - 1)), data.draw(st.integers(0, size - 1))
        step = data.draw(st.integers(1, 3)) * (1 if first <= last else -1)
        end = last + (1 if step > 0 else -1)
        from_the_back = data.draw(st.booleans())
        spans.append((first - size if from_the_back else first, end if end >= 0 else -99, step))
    starts, ends, steps = zip(*spans, strict=True)
    tester = Tester(tuple(shape)).op("Slice", *(integers(*n) for n in (starts, ends, axes, steps)))
    tester.compare(exact=True)


@quick
@given(data=st.data(), shape=st.lists(st.integers(1, 4), min_size=1, max_size=6))
@pytest.mark.slow
def test_transposes_in_a_row(data, shape) -> None:
    axes = st.permutations(range(len(shape)))
    tester = Tester(tuple(shape)).op("Transpose", perm=data.draw(axes)).op("Transpose", perm=data.draw(axes))
    assert tester.operators().count("TRANSPOSE") <= 1
    tester.compare(exact=True)


@quick
@given(data=st.data(), shape=st.lists(st.integers(1, 4), min_size=1, max_size=4))
@pytest.mark.slow
def test_reshape_between_any_shapes(data, shape) -> None:
    rest, target = int(np.prod(shape)), []
    while rest > 1 and len(target) < 4:
        target.append(data.draw(st.sampled_from([n for n in range(1, rest + 1) if rest % n == 0])))
        rest //= target[-1]
    Tester(tuple(shape)).op("Reshape", integers(*target, rest)).op("Relu").compare(exact=True)
