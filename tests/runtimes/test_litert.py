"""What is LiteRT's alone."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
from emit.tflite.tester import INPUT, Tester, random
from runtimes.networks import picture, tflite_network

from ssc_deploy.errors import RuntimeLoadError
from ssc_deploy.runtimes.litert import LiteRT
from ssc_deploy.runtimes.tflite_schema import pack, unpack

if TYPE_CHECKING:
    from pathlib import Path


def test_delegate_partitions_are_counted() -> None:
    kernel = random(6, 6, 3, 3)
    convolutions = Tester((1, 6, 7, 7)).op("Conv", kernel).op("Conv", kernel)
    assert convolutions.delegates() == 1
    # XNNPACK takes no SIGN, so one between two convolutions leaves two parts.
    parted = Tester((1, 6, 7, 7)).op("Conv", kernel).op("Sign").op("Conv", kernel)
    assert parted.delegates() == 2


CONV, SIGN = ("Conv", random(6, 6, 1, 1)), ("Sign",)


@pytest.mark.parametrize(
    ("operators", "whole"),
    [
        ([CONV, CONV], True),
        ([CONV, SIGN], False),
        ([SIGN, CONV], False),
        ([CONV, SIGN, CONV], False),
        ([SIGN], False),
    ],
    ids=["all inside", "the last outside", "the first outside", "one between", "no delegate"],
)
def test_a_model_is_whole_in_the_delegate_only_without_operators_outside(operators, whole: bool) -> None:
    tester = Tester((1, 6, 7, 7))
    for op_type, *constants in operators:
        tester.op(op_type, *constants)
    assert tester.whole_in_delegate() is whole
    assert tester.load().outside == ["SIGN"] * operators.count(SIGN)


def test_an_output_beside_the_delegate_is_outside() -> None:
    tester = Tester((1, 6, 7, 7)).op("Sign", name="beside")
    tester.op("Conv", random(6, 6, 1, 1), first=INPUT).output("beside")
    assert (tester.delegates(), tester.whole_in_delegate()) == (1, False)


@pytest.mark.parametrize("index", ["tensor", "code", "buffer", "output"])
def test_an_index_that_leads_nowhere_is_refused(index: str) -> None:
    model = unpack(tflite_network())
    subgraph = model.subgraphs[0]
    if index == "tensor":
        subgraph.operators[0].inputs = [10_000, *subgraph.operators[0].inputs[1:]]
    elif index == "code":
        subgraph.operators[0].opcodeIndex = 10_000
    elif index == "buffer":
        subgraph.tensors[1].buffer = 10_000
    else:
        subgraph.outputs = [-7]
    with pytest.raises(RuntimeLoadError, match="refers to a tensor, buffer or operator that it does not have"):
        LiteRT().load(pack(model))


def test_a_file_without_a_graph_is_refused() -> None:
    model = unpack(tflite_network())
    model.subgraphs = []
    with pytest.raises(RuntimeLoadError, match="cannot be loaded"):
        LiteRT().load(pack(model))


def test_a_constant_smaller_than_its_shape_is_refused() -> None:
    model = unpack(tflite_network())
    # Of the tensors: the metadata is a buffer as well.
    largest = max((model.buffers[t.buffer] for t in model.subgraphs[0].tensors), key=lambda buffer: len(buffer.content))
    assert len(largest.content) > 16
    largest.content = largest.content[:16]
    with pytest.raises(RuntimeLoadError, match="LiteRT refuses it"):
        LiteRT().load(pack(model))


def test_a_name_that_is_no_text_is_refused() -> None:
    model = unpack(tflite_network())
    model.subgraphs[0].tensors[0].name = b"in\xd3ut"
    with pytest.raises(RuntimeLoadError, match="damaged"):
        LiteRT().load(pack(model))


#: Loads and runs damaged copies of a file; a crash of native code would end the process with another exit code.
DAMAGE = """
import sys, pathlib
import numpy as np
from ssc_deploy.errors import RuntimeLoadError
from ssc_deploy.runtimes.litert import LiteRT
data, random, refused = pathlib.Path(sys.argv[1]).read_bytes(), np.random.default_rng(0), 0
for _ in range(75):
    damaged = bytearray(data)
    for position in random.integers(0, len(data), 2):
        damaged[position] = random.integers(256)
    try:
        runner = LiteRT().load(bytes(damaged))
        runner.run([np.zeros(runner.inputs[0].shape, np.float32)])
    except RuntimeLoadError:
        refused += 1
print(refused)
"""


@pytest.mark.slow
def test_damaged_files_never_end_the_process(tmp_path: Path) -> None:
    path = tmp_path / "net.tflite"
    path.write_bytes(tflite_network())
    done = subprocess.run([sys.executable, "-c", DAMAGE, str(path)], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 10


def test_packing_what_was_unpacked_keeps_the_model() -> None:
    data = tflite_network()
    x = np.ascontiguousarray(picture().transpose(0, 2, 3, 1))
    again = pack(unpack(data))
    np.testing.assert_array_equal(LiteRT().load(again).run([x])[0], LiteRT().load(data).run([x])[0])
    assert pack(unpack(again)) == again
