import numpy as np
import onnx_ir as ir
import pytest
from graphs import Chain, apply, normal, operators, run_all
from onnxscript import optimizer

from ssc_deploy.capture.fold_constants import FoldConstants


def test_sizes_that_are_computed_become_a_constant():
    chain = Chain(1, 4, 3, 5)
    shape = chain.aside("Shape", "input")
    channels = chain.aside("Gather", shape, np.array([1]))
    target = chain.aside("Concat", np.array([1]), channels, np.array([-1]), axis=0)
    model = chain.then("Reshape", target).build()
    assert apply(FoldConstants(), model, exact=True) == ["Reshape"]
    assert model.graph[0].inputs[1].const_value.numpy().tolist() == [1, 4, -1]
    assert model.graph.outputs[0].shape.numpy() == (1, 4, 15)


def test_constant_nodes_become_initializers():
    chain = Chain(1, 2, 3, 3)
    operand = chain.aside("Constant", value_floats=[2.0])
    model = chain.then("Mul", operand).build()
    assert apply(FoldConstants(), model, exact=True) == ["Mul"]
    assert model.graph[0].inputs[1].is_initializer()


@pytest.mark.parametrize(
    ("size", "sizes", "attributes", "expected"),
    [
        (7, [2, 5], {}, [2, 5]),
        (7, [7, 0], {}, [7, 0]),
        (7, None, {"num_outputs": 2}, [4, 3]),
        (4, None, {"num_outputs": 3}, [2, 2, 0]),
        (4, None, {"num_outputs": 3, "axis": -1}, [2, 2, 0]),
        (1, None, {"num_outputs": 1}, [1]),
        (0, None, {"num_outputs": 2}, [0, 0]),
    ],
)
def test_a_constant_that_is_split_becomes_its_pieces(size, sizes, attributes, expected):
    chain = Chain(1, 2, 3, 3)
    data, operands = normal(size), [] if sizes is None else [np.array(sizes)]
    chain.aside("Split", data, *operands, outputs=len(expected), **({"axis": 0} | attributes))
    pieces = [chain.aside("Identity", f"v{i}") for i in range(len(expected))]
    model = chain.then("Neg").build(*pieces)
    assert "Split" not in apply(FoldConstants(), model, exact=True)
    assert [len(found) for found in run_all(model, normal(1, 2, 3, 3))[1:]] == expected


def test_a_piece_that_is_split_again_is_folded_in_the_same_walk(monkeypatch):
    walks = []
    fold = optimizer.fold_constants
    monkeypatch.setattr(optimizer, "fold_constants", lambda *a, **k: walks.append(1) or fold(*a, **k))
    chain = Chain(1, 2, 3, 3)
    piece = chain.constant(normal(32))
    for _ in range(5):
        piece = chain.aside("Neg", chain.aside("Split", piece, axis=0, num_outputs=2, outputs=2))
    model = chain.then("Mul", piece).build()
    assert apply(FoldConstants(), model, exact=True) == ["Mul"]
    assert len(walks) == 1


def test_a_split_whose_parts_do_not_fit_is_left_to_the_runtime_s_own_words():
    # Parts of 2, 2, 2 and less than nothing: no runtime takes it.
    node = ir.node("Split", [ir.val("c", const_value=ir.tensor(normal(5)))], num_outputs=4, attributes={"axis": 0})
    graph = ir.Graph([], node.outputs, nodes=[node], opset_imports={"": 18}, name="split")
    graph.register_initializer(node.inputs[0])
    FoldConstants()(ir.Model(graph, ir_version=10))
    assert operators(ir.Model(graph, ir_version=10)) == ["Split"]


def test_a_constant_split_that_is_returned_stays_one():
    chain = Chain(1, 2, 3, 3)
    first = chain.aside("Split", normal(4), axis=0, num_outputs=3, outputs=3)
    model = chain.then("Neg").build(first)
    assert apply(FoldConstants(), model, exact=True) == ["Split", "Neg"]


def test_what_depends_on_the_input_stays():
    model = Chain(1, 4, 3, 3).then("Split", np.array([1, 3]), outputs=2, axis=1).build("v1")
    model.graph.outputs[0].name = "first"
    assert apply(FoldConstants(), model, exact=True) == ["Split"]


def test_a_list_of_constants_is_passed_over_in_silence(caplog):
    chain = Chain(1, 2, 3, 3)
    pair = chain.aside("SequenceConstruct", normal(2, 1, 1), normal(2, 1, 1, seed=1))
    model = chain.then("Mul", chain.aside("SequenceAt", pair, np.array(1))).build()
    apply(FoldConstants(), model, exact=True)
    assert not caplog.records
