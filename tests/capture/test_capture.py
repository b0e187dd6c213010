import logging
import sys

import numpy as np
import pytest
import spellings
import torch
from graphs import makers, operators, run
from torch import nn

from ssc_deploy.capture import capture
from ssc_deploy.errors import CaptureError
from ssc_deploy.ir import roles
from ssc_deploy.rewrite import rewrite
from ssc_deploy.signature import of_image

SHAPE = (1, 3, 6, 5)


def marks(module, shape=SHAPE):
    """What the captured graph says of its values, once it is known to compute what the module does."""
    module.eval()
    before = list(module.modules())
    captured = capture(module, of_image(shape))
    assert list(module.modules()) == before
    x = torch.randn(shape, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        np.testing.assert_allclose(run(captured.model, x.numpy()), module(x.clone()).numpy(), rtol=0, atol=1e-5)
    return makers(captured.model), captured.model


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(width, width, 1), nn.BatchNorm2d(width), nn.ReLU(inplace=True))
        self.act = nn.ReLU()

    def forward(self, x):
        return self.act(self.body(x) + x)


@pytest.mark.slow
def test_values_are_marked_with_the_modules_that_return_them():
    net = nn.Sequential(nn.Conv2d(3, 4, 1), Block(4), Block(4), nn.Conv2d(4, 2, 1))
    made, model = marks(net)
    for n in (1, 2):
        assert made[f"{n}"] == made[f"{n}.act"] == "Relu"
        assert made[f"{n}.body"] == made[f"{n}.body.2"] == "Relu"
        assert made[f"{n}.body.1"] == "BatchNormalization"
    assert made["0"] == made["3"] == "Conv"
    (block,) = {roles.outputs_of(v) for node in model.graph for v in node.outputs if "1" in roles.outputs_of(v)}
    assert block == ("1", "1.act"), "a block comes before the layer at its end"
    assert {roles.block(node) for node in model.graph} >= {"0", "1", "1.body.0", "1.act", "3"}


@pytest.mark.slow
def test_a_module_that_is_called_again_is_numbered():
    class Again(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.relu = nn.Conv2d(3, 3, 1), nn.ReLU()

        def forward(self, x):
            for _ in range(3):
                x = self.relu(self.conv(x))
            return x

    made, _ = marks(Again())
    assert {name: op for name, op in made.items() if "@" in name} == {
        "conv@1": "Conv",
        "conv@2": "Conv",
        "relu@1": "Relu",
        "relu@2": "Relu",
    }


@pytest.mark.slow
def test_of_one_module_in_two_places_no_call_is_taken_for_the_other():
    class Shared(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = nn.Conv2d(3, 3, 1)
            self.b = nn.Sequential(nn.ReLU(), self.a)

        def forward(self, x):
            return torch.sigmoid(self.b(self.a(x)))

    made, _ = marks(Shared())
    assert {name for name, op in made.items() if op == "Conv"} == {"b"}


@pytest.mark.slow
def test_a_module_that_returns_what_it_was_given_has_no_output_of_its_own():
    class Skips(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.skip, self.drop = nn.Conv2d(3, 3, 1), nn.Identity(), nn.Dropout(0.1)

        def forward(self, x):
            return torch.relu(self.drop(self.conv(x)) + self.skip(x))

    assert set(marks(Skips())[0]) == {"conv"}


@pytest.mark.slow
def test_a_module_with_two_results_has_no_output_to_be_compared():
    class Pair(nn.Module):
        def forward(self, x):
            return torch.relu(x), torch.sigmoid(x)

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.pair = nn.Conv2d(3, 3, 1), Pair()

        def forward(self, x):
            a, b = self.pair(self.conv(x))
            return a + b

    assert set(marks(Net())[0]) == {"conv"}


def test_modules_that_move_data_are_one_node_and_keep_their_marks():
    offsets = spellings.raster(9)

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Conv2d(3, 9, 1)
            self.shift = spellings.Spelled(offsets, spellings.roll_and_mask)
            self.last = nn.Conv2d(9, 2, 1)

        def forward(self, x):
            return self.last(self.shift(torch.relu(self.first(x))))

    made, model = marks(Net())
    assert operators(model).count("Conv") == 3
    assert made["shift"] == "Conv"
    assert rewrite(model).shifts == 1
    assert made["shift"] == makers(model)["shift"]
    assert [v.name for node in model.graph for v in node.outputs] == ["first", "Relu", "shift", "output"]


@pytest.mark.slow
def test_modules_called_input_and_output_do_not_take_the_network_s_names():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.input, self.output, self.head = nn.Conv2d(3, 4, 1), nn.Conv2d(4, 4, 1), nn.Conv2d(4, 2, 1)

        def forward(self, x):
            return self.head(torch.relu(self.output(torch.relu(self.input(x)))))

    _, model = marks(Net())
    rewrite(model, check=True)
    names = [v.name for node in model.graph for v in node.outputs]
    assert names == ["input/Conv", "Relu", "output/Conv", "Relu_2", "output"]


@pytest.mark.quick(1)
@pytest.mark.parametrize("kind", ["in place", "view"])
def test_modules_that_write_on_what_others_read_are_captured_as_they_are(kind):
    def move(x):
        return x.copy_(torch.nn.functional.pad(x, (1, 0))[..., :-1]) if kind == "in place" else x[:, 1:3]

    class Move(nn.Module):
        def forward(self, x):
            return move(x)

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.move = nn.Conv2d(3, 4, 1), Move()

        def forward(self, x):
            x = self.first(x)
            y = self.move(x).relu_()
            return torch.cat([x, y], 1)

    _, model = marks(Net())
    rewrite(model, check=True)


def test_the_exporter_says_nothing(capsys, caplog):
    with caplog.at_level(logging.INFO):
        capture(nn.Conv2d(3, 2, 1).eval(), of_image(SHAPE))
    assert capsys.readouterr() == ("", "")
    assert not [r for r in caplog.records if r.name.startswith("torch.onnx")]


class Fails(nn.Module):
    def __init__(self, forward):
        super().__init__()
        self.conv, self.function = nn.Conv2d(3, 3, 1), forward
        self.shift = spellings.Spelled(spellings.raster(3), spellings.roll_and_mask)

    def forward(self, x):
        return self.function(self.shift(self.conv(x)))


def looks_at_values(x):
    return x * 2 if x.sum() > 0 else x


def raises(x):
    raise LookupError("no such class")


def test_control_flow_that_depends_on_values_is_refused_where_it_stands():
    net = Fails(looks_at_values).eval()
    before = list(net.modules())
    with pytest.raises(CaptureError) as refused:
        capture(net, of_image(SHAPE))
    sentence = str(refused.value)
    assert sentence.startswith("torch.export cannot capture Fails: ")
    line = looks_at_values.__code__.co_firstlineno + 1
    assert f"({__file__}, line {line}, in looks_at_values)" in sentence
    assert list(net.modules()) == before


def test_what_the_network_itself_raises_is_said_with_its_line():
    with pytest.raises(CaptureError, match=r"LookupError: no such class \(.*test_capture.py, line \d+, in raises\)"):
        capture(Fails(raises).eval(), of_image(SHAPE))


def test_a_picture_that_the_network_does_not_take_is_refused():
    with pytest.raises(CaptureError, match=r"fails on an image of shape \[1, 4, 6, 5\].*`input_shape`"):
        capture(nn.Sequential(nn.Conv2d(3, 2, 1)).eval(), of_image((1, 4, 6, 5)))


@pytest.mark.slow
def test_parameters_stay_as_they_were():
    net = Fails(torch.relu).eval()
    before = {name: p.clone() for name, p in net.named_parameters()}
    captured = capture(net, of_image(SHAPE))
    rewrite(captured.model)
    for name, parameter in net.named_parameters():
        assert torch.equal(parameter, before[name])
        assert parameter.requires_grad
    assert sys.getrefcount(net) < 10
