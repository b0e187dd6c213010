import numpy as np
import pytest
import spellings
import torch
from torch import nn

from ssc_deploy.capture import modules
from ssc_deploy.ir import movement as mv

OFFSETS = spellings.raster(9)
SHIFT = mv.shift(tuple(OFFSETS))


class Through(nn.Module):
    """Calls its modules one after another, between two convolutions."""

    def __init__(self, *moves, channels=9):
        super().__init__()
        self.first, self.moves = nn.Conv2d(3, channels, 1), nn.ModuleList(moves)
        self.last = nn.Conv2d(channels, 2, 1)

    def forward(self, x):
        x = self.first(x)
        for move in self.moves:
            x = move(x)
        return self.last(x)


class Forward(nn.Module):
    """A module that is one function."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


def shift():
    return spellings.Spelled(OFFSETS, spellings.roll_and_mask)


def shuffle():
    return Forward(lambda x: spellings.shuffle(x, 3))


def probed(module, shape=(1, 3, 6, 5)):
    module.eval()
    return modules.probe(module, modules.observe(module, [torch.zeros(shape)]))


def only(found):
    (one,) = found
    return one


@pytest.mark.parametrize("spelling", spellings.REGULAR_SHIFTS)
@pytest.mark.parametrize("k", [3, 5])
def test_every_spelling_of_a_shift_is_read(spelling, k):
    offsets = spellings.raster(k * k, k)
    net = Through(spellings.Spelled(offsets, spellings.REGULAR_SHIFTS[spelling]), channels=k * k)
    found = only(probed(net))
    assert (found.path, found.kind, found.movement) == ("moves.0", "Spelled", mv.shift(tuple(offsets)))


def test_a_shuffle_is_read():
    order = tuple(int(c) for c in np.arange(9).reshape(3, 3).T.ravel())
    assert only(probed(Through(shuffle()))).movement == mv.permutation(order)


def test_the_outermost_of_nested_modules_is_taken():
    found = only(probed(Through(nn.Sequential(shift(), shuffle()))))
    assert found.path == "moves.0"
    assert (found.movement.is_shift, found.movement.is_permutation) == (False, False)


def test_inside_a_module_that_computes_the_inner_ones_are_taken():
    found = probed(Through(nn.Sequential(shift(), nn.ReLU(), shuffle())))
    assert [p.path for p in found] == ["moves.0.0", "moves.0.2"]


def test_a_picture_smaller_than_the_offsets_is_no_obstacle():
    assert only(probed(Through(shift()), (1, 3, 1, 1))).movement == SHIFT


def test_a_module_that_is_called_at_two_sizes_must_do_the_same_at_both():
    class Two(Through):
        def forward(self, x):
            x = self.moves[0](self.first(x))
            return self.last(self.moves[0](nn.functional.avg_pool2d(x, 2)))

    assert only(probed(Two(shift()))).movement == SHIFT
    at_one_size = Forward(lambda x: SpelledRoll(x) if x.shape[-1] == 2 else shift()(x))
    assert probed(Two(at_one_size)) == ()


def SpelledRoll(x):  # noqa: N802 - reads as the constructor of a picture
    return torch.roll(x, 1, 3)


def test_a_module_that_is_a_shift_at_the_network_s_size_only_is_not_taken():
    net = Through(Forward(lambda x: shift()(x) if x.shape[-2:] == (6, 5) else x * 2))
    assert probed(net) == ()


def test_a_module_that_is_tied_to_its_size_is_read_at_that_size():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            mask = torch.ones(1, 1, 6, 5)
            mask[..., 0] = 0
            self.register_buffer("mask", mask)

        def forward(self, x):
            return torch.roll(x, 1, 3) * self.mask

    assert only(probed(Through(Tied()))).movement == mv.shift(((0, -1),) * 9)


@pytest.mark.parametrize(
    "module",
    [
        nn.Identity(),
        nn.Dropout(0.5),
        nn.ReLU(),
        nn.MaxPool2d(3, 1, 1),
        nn.ZeroPad2d(1),
        nn.Upsample(scale_factor=2),
        nn.BatchNorm2d(9, affine=False),
        nn.Hardtanh(-100, 100),
        nn.Threshold(1e-6, 0),
        nn.Flatten(2),
        Forward(lambda x: torch.nn.functional.pad(x, (1, 0, 0, 0), "reflect")[..., :-1]),
        Forward(lambda x: x.half().float()),
        Forward(lambda x: (x, x)[0] * 1.5),
        Forward(lambda x: x + torch.rand_like(x) * 1e-3),
        Forward(lambda x: x.transpose(2, 3).reshape(x.shape)),
        Forward(lambda x: x.flip(3)),
    ],
    ids=lambda m: type(m).__name__,
)
def test_what_computes_or_does_nothing_is_not_taken(module):
    class Alone(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.inner = nn.Conv2d(3, 9, 1), module

        def forward(self, x):
            return self.inner(self.first(x))

    assert probed(Alone()) == ()


def test_a_shift_that_bounds_what_it_moves_is_not_taken():
    assert probed(Through(Forward(lambda x: shift()(x).clamp(-1e4, 1e4)))) == ()


def test_a_module_with_parameters_is_not_taken():
    class Weighted(nn.Module):
        def __init__(self):
            super().__init__()
            self.unused = nn.Parameter(torch.ones(1))

        def forward(self, x):
            return shift()(x)

    assert probed(Through(Weighted())) == ()


def test_a_module_that_works_in_place_or_returns_a_view_is_not_taken():
    # Another reader of the same tensor would see the difference.
    assert probed(Through(Forward(lambda x: x.copy_(shift()(x))))) == ()
    view = Through(Forward(lambda x: x[:, 2:6]))
    view.last = nn.Identity()
    assert probed(view) == ()


def test_a_module_that_changes_its_input_and_returns_something_else_is_not_taken():
    def both(x):
        y = shift()(x)
        x.zero_()
        return y

    assert probed(Through(Forward(both))) == ()


def test_a_module_that_sees_several_pictures_at_once_is_not_taken():
    class Folded(Through):
        def forward(self, x):
            x = self.first(x)
            n, c, h, w = x.shape
            return self.moves[0](x.view(3 * n, c // 3, h, w))

    # At a batch of one it is a shift; at three it is one that turns the order around.
    assert probed(Folded(Forward(lambda x: nn.functional.pad(x, (1, 0))[..., :-1].flip(0)))) == ()


@pytest.mark.parametrize("call", ["keyword", "two", "other type", "tuple"])
def test_a_module_that_is_called_otherwise_than_with_one_picture_is_not_taken(call):
    class Odd(nn.Module):
        def forward(self, x, y=None):
            if x.dtype is torch.int64:
                return (x & 1).float()
            moved = shift()(x)
            return (moved, moved) if call == "tuple" else moved

    class Calls(Through):
        def forward(self, x):
            x = self.first(x)
            match call:
                case "keyword":
                    return self.moves[0](x=x)
                case "two":
                    return self.moves[0](x, x)
                case "other type":
                    return self.moves[0](x.long())
                case _:
                    return self.moves[0](x)[0]

    assert probed(Calls(Odd())) == ()


def test_a_module_that_is_never_called_is_not_taken():
    net = Through(shuffle())
    net.spare = shift()
    assert [p.path for p in probed(net)] == ["moves.0"]


def test_a_module_that_keeps_what_it_computed_first_can_still_be_trained():
    class Lazy(nn.Module):
        def __init__(self):
            super().__init__()
            self.mask, self.weight = None, nn.Parameter(torch.ones(1))

        def forward(self, x):
            if self.mask is None:
                self.mask = torch.ones_like(x)
            return x * (self.mask * self.weight)

    net = Through(Lazy())
    probed(net)
    net(torch.zeros(1, 3, 6, 5)).sum().backward()
    assert net.moves[0].weight.grad is not None


def test_one_module_in_two_places_is_replaced_in_both_and_put_back():
    class Twice(Through):
        def __init__(self):
            super().__init__(shift())
            self.again = self.third = self.moves[0]

        def forward(self, x):
            return self.last(self.third(self.again(self.moves[0](self.first(x)))))

    net = Twice().eval()
    places = [(net.moves, "0"), (net, "again"), (net, "third")]
    original = net.again
    found = probed(net)
    assert [p.path for p in found] == ["moves.0"]
    x = torch.randn(1, 3, 6, 5)
    before = net(x)
    with modules.replaced(net, found):
        stand_ins = {getattr(parent, name) for parent, name in places}
        assert len(stand_ins) == 1
        assert original not in stand_ins
        torch.testing.assert_close(net(x), before, rtol=0, atol=0)
    assert all(getattr(parent, name) is original for parent, name in places)


def test_modules_are_put_back_when_something_fails():
    net = Through(shift(), shuffle()).eval()
    before = list(net.modules())
    found = probed(net)

    def fail():
        with modules.replaced(net, found):
            assert list(net.modules()) != before
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert list(net.modules()) == before


def test_the_stand_in_moves_bit_for_bit():
    net = Through(nn.Sequential(shift(), shuffle()), Forward(lambda x: x[:, [3, 3, 1]].clone())).eval()
    net.last = nn.Identity()
    x = torch.randn(1, 3, 6, 5)
    with torch.no_grad():
        before = net(x)
        found = probed(net)
        assert len(found) == 2
        with modules.replaced(net, found):
            assert torch.equal(net(x), before)


def test_calls_are_counted_and_no_hook_stays():
    net = Through(shift(), shuffle())
    net.moves.append(net.moves[0])
    calls = modules.observe(net.eval(), [torch.zeros(1, 3, 6, 5)])
    assert (calls.count[""], calls.count["moves.0"], calls.count["moves.1"]) == (1, 2, 1)
    assert calls.shapes["moves.0"] == {(1, 9, 6, 5)}
    assert not any(m._forward_hooks for m in net.modules())
