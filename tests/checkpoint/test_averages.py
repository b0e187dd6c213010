"""Layouts of averaged weights as trainers write them: which set is taken, and when the user is asked."""

import collections
import re

import pytest
import torch
from torch import nn

from ssc_deploy import checkpoint
from ssc_deploy.errors import CheckpointError

RAW, AVERAGED = 0.125, 0.75


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU())
        self.fc = nn.Linear(4, 2)

    def forward(self, x):
        return self.fc(self.features(x).mean((2, 3)))


def state(value):
    """The state dict with all parameters of that value, and the running mean too."""
    net = Net()
    with torch.no_grad():
        for tensor in (*net.parameters(), net.features[1].running_mean):
            tensor.fill_(value)
    return net.state_dict()


R, E = state(RAW), state(AVERAGED)
PARAMETERS = [name for name, _ in Net().named_parameters()]


def prefixed(prefix, tensors):
    return {prefix + name: tensor for name, tensor in tensors.items()}


def only_parameters(tensors):
    return {name: tensors[name] for name in PARAMETERS}


def swapped(steps):
    return {"state_dict": E, "ema_state_dict": {"steps": torch.tensor(steps), **prefixed("module.", R)}}


def listed(tensors):
    return [tensors[name] for name in PARAMETERS]


def flattened(prefix, dot, tensors):
    return {prefix + name.replace(".", dot): tensors[name] for name in PARAMETERS}


LAYOUTS = {
    "timm": {"state_dict": R, "state_dict_ema": E, "epoch": 3, "metric": 71.0},
    "torchvision references": {"model": R, "model_ema": {"n_averaged": torch.tensor(9), **prefixed("module.", E)}},
    "AveragedModel beside the raw": {
        "model": R,
        "swa_model": {"n_averaged": torch.tensor(2), **prefixed("module.", E)},
    },
    "a LightningModule and a state dict of its network": {"state_dict": prefixed("model.", R), "ema_state_dict": E},
    "Lightning callback": {"state_dict": prefixed("net.", R), "callbacks": {"EMA": {"ema_weights": E, "cur_step": 3}}},
    "Lightning callback with its arguments": {
        "state_dict": prefixed("model.", R),
        "callbacks": {"EMACallback{'decay': 0.999}": {"ema_state_dict": prefixed("model.", E)}},
    },
    "Lightning callback that is the average": {"state_dict": R, "callbacks": {"EMA": only_parameters(E)}},
    "Lightning callback's list, by the state dict": {
        "state_dict": R,
        "callbacks": {"EMA": {"cur_step": 8, "ema_weights": list(E.values())}},
    },
    "Lightning StochasticWeightAveraging": {
        "state_dict": prefixed("model.", R),
        "callbacks": {"StochasticWeightAveraging": {"n_averaged": 4, "average_model_state": prefixed("model.", E)}},
    },
    "Lightning WeightAveraging": {
        "state_dict": prefixed("model.", E),
        "current_model_state": prefixed("model.", R),
        "averaging_state": {"n_averaged": torch.tensor(7)},
    },
    "in one LightningModule": {"state_dict": {**prefixed("model.", R), **prefixed("ema_model.", E)}},
    "timm's ModelEma in a LightningModule": {
        "state_dict": {**prefixed("model.", R), **prefixed("model_ema.module.", E)}
    },
    "AveragedModel in a LightningModule": {
        "state_dict": {
            **prefixed("model.", R),
            **prefixed("averaged_model.module.", E),
            "averaged_model.n_averaged": torch.tensor(4),
        }
    },
    "ema-pytorch": {
        "initted": torch.tensor(True),
        "step": torch.tensor(10),
        **prefixed("online_model.", R),
        **prefixed("ema_model.", E),
    },
    "ema-pytorch in a trainer": {
        "step": 1000,
        "model": R,
        "ema": {"initted": torch.tensor([True]), **prefixed("online_model.", R), **prefixed("ema_model.", E)},
    },
    "YOLO": {"model": R, "ema": E, "updates": 800},
    "RT-DETR": {"model": R, "ema": {"module": E, "updates": 800}, "last_epoch": 5},
    "mmengine": {**swapped(9), "meta": {"mmengine_version": "0.10.7"}, "message_hub": {}},
    "without counters": {"model": R, "ema": {n: t for n, t in E.items() if "num_batches" not in n}},
    "parameters only": {"model": R, "ema": only_parameters(E)},
    "a class of one's own": {"model": R, "ema": {"decay": 0.99, "shadow": only_parameters(E)}},
    "torch_ema": {
        "model": R,
        "ema": {"decay": 0.9, "num_updates": 3, "shadow_params": listed(E), "collected_params": None},
    },
    "diffusers": {"model": R, "ema_model": {"decay": 0.9, "optimization_step": 3, "shadow_params": listed(E)}},
    "latent-diffusion": {
        "state_dict": {
            **prefixed("model.net.", R),
            **flattened("model_ema.net", "", E),
            "model_ema.num_updates": torch.tensor(3),
        }
    },
    "d2go": {"model": R, "ema_state": only_parameters(E)},
    "BasicSR": {"params": R, "params_ema": E},
    "DataParallel": {"state_dict": prefixed("module.", R), "ema_state_dict": prefixed("module.", E)},
    "half precision": {"model": R, "ema": {n: t.half() if t.is_floating_point() else t for n, t in E.items()}},
    "an optimizer beside them": {
        "net": R,
        "net_ema": E,
        "optimizer": {"state": {0: {"exp_avg": R["fc.weight"]}}, "param_groups": [{"lr": 0.1}]},
    },
    "one by one": {"state_dict": {**R, **{f"{name}_ema": tensor for name, tensor in E.items()}}},
    "one by one, marked in front": {"state_dict": {**R, **prefixed("ema_", E)}},
    "pairs of name and tensor": {"model": R, "ema": list(only_parameters(E).items())},
    "by number": {"model": R, "ema": dict(enumerate(listed(E)))},
    "in an extra state": {"model": R, "extra_state": {"ema": E, "epoch": 1}},
    "swa_state_dict": {"state_dict": R, "swa_state_dict": E},
    "a GAN's generator": {"g": R, "g_ema": E},
    "Composer": {
        "state": {
            "model": prefixed("module.", R),
            "algorithms": [("EMA", {"ema_model": {"named_parameters_dict": only_parameters(E)}})],
        }
    },
    "seven dicts deep": {"a": {"b": {"c": {"d": {"ema": {"module": {"weights": E}}}}}}, "model": R},
}


def loaded(tmp_path, content, weights=None, net=None):
    path, net = tmp_path / "net.pth", net or Net()
    torch.save(content, path)
    result = checkpoint.load_into(net, checkpoint.read(path).entries, path, weights)
    assert len({float(p.detach().flatten()[0]) for p in net.parameters()}) == 1, "a mixture"
    return float(net.fc.weight.detach()[0, 0]), result


@pytest.mark.quick(12)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_average_is_taken_and_the_other_told(tmp_path, layout):
    value, result = loaded(tmp_path, LAYOUTS[layout])
    assert value == AVERAGED
    assert str(result).startswith("averaged weights of ")
    assert result.others


@pytest.mark.quick(8)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_user_may_choose(tmp_path, layout):
    content = LAYOUTS[layout]
    raw, result = loaded(tmp_path, content, "raw")
    assert (raw, result.role) == (RAW, "raw")
    assert loaded(tmp_path, content, "ema")[0] == AVERAGED
    _, default = loaded(tmp_path, content)
    for key, expected in ((default.entry or ".", AVERAGED), (default.others[0], RAW)):
        assert loaded(tmp_path, content, key)[0] == expected


UNCLEAR = {
    "mmengine's layout of unknown writer": swapped(9),
    "mmcv": {"state_dict": {**R, **flattened("ema_", "_", E)}, "meta": {"mmcv_version": "1.7"}},
    "two averages": {"model": R, "ema_0.99": E, "ema_0.999": state(0.5)},
    "not updated yet": {"model": R, "ema": {"module": E, "updates": 0}},
    "teacher and student": {"student": R, "teacher": E},
    "teacher and student in one": {"state_dict": {**prefixed("student.", R), **prefixed("teacher.", E)}},
    "encoders of MoCo": prefixed("module.", {**prefixed("encoder_q.", R), **prefixed("encoder_k.", E)}),
    "an optimizer's list": {"state_dict": R, "optimizer_states": [{"ema": listed(E), "state": {}}]},
    "WeightAveraging that averaged nothing yet": {
        "state_dict": E,
        "current_model_state": R,
        "averaging_state": {"n_averaged": torch.tensor(0)},
    },
    "two of unknown names": {"last": R, "best": E},
    "two raw ones and an average": {"model": R, "best_model": state(0.5), "ema": E},
    "what is called no average": {"model": E, "model_non_ema": R},
    "ema-pytorch, not updated yet": {
        "initted": torch.tensor(False),
        "step": torch.tensor(0),
        **prefixed("online_model.", R),
        **prefixed("ema_model.", E),
    },
    "AveragedModel in a LightningModule, not updated yet": {
        "state_dict": {
            **prefixed("model.", R),
            **prefixed("averaged_model.module.", E),
            "averaged_model.n_averaged": torch.tensor(0),
        }
    },
    "latent-diffusion, not updated yet": {
        "state_dict": {
            **prefixed("model.net.", R),
            **flattened("model_ema.net", "", E),
            "model_ema.num_updates": torch.tensor(0),
        }
    },
    "torch_ema, not updated yet": {"model": R, "ema": {"num_updates": 0, "shadow_params": listed(E)}},
}


@pytest.mark.quick(5)
@pytest.mark.parametrize("layout", UNCLEAR)
def test_where_it_cannot_be_known_the_user_is_asked_and_can_answer(tmp_path, layout):
    with pytest.raises(CheckpointError, match=r"say which is meant, with `weights=") as caught:
        loaded(tmp_path, UNCLEAR[layout])
    keys = re.findall("`weights='([^']+)'`", str(caught.value))
    assert {loaded(tmp_path, UNCLEAR[layout], key)[0] for key in keys} >= {RAW, AVERAGED}


def test_an_average_that_cannot_be_matched_is_not_passed_over(tmp_path):
    half = dict(list(only_parameters(E).items())[:3])
    for content in (
        {"model": R, "ema": half},
        {"model": R, "ema": {"shadow_params": listed(E)[::-1]}},
        {"model": R, "ema_params": {f"w{i}": t for i, t in enumerate(listed(E))}},
        {"model": R, "ema": {name: tensor.numpy() for name, tensor in E.items()}},
        {"state_dict": {**R, **{f"ema_helper.w{i}": t for i, t in enumerate(listed(E))}}},
        {"model": R, "ema": [tensor.numpy() for tensor in listed(E)]},
        {"model": R, "ema": {"shadow_params": [tensor.to(torch.complex64) for tensor in listed(E)]}},
        {"model": R, "ema": torch.cat([tensor.flatten() for tensor in listed(E)])},
        {"model": R, "ema": [{"name": name, "data": tensor} for name, tensor in only_parameters(E).items()]},
    ):
        with pytest.raises(
            CheckpointError, match=r"looks like an average of them .*take the raw ones with `weights='raw'`"
        ):
            loaded(tmp_path, content)
        assert loaded(tmp_path, content, "raw")[0] == RAW


def test_a_list_is_not_matched_where_the_file_has_another_order(tmp_path):
    turned = dict(reversed(list(R.items())))
    with pytest.raises(CheckpointError, match="its order is not the module's"):
        loaded(tmp_path, {"model": turned, "ema": {"shadow_params": listed(E)}})


def test_a_list_alone_is_loaded_in_the_order_of_the_parameters(tmp_path):
    net, path = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Conv2d(4, 2, 1)), tmp_path / "ema.pt"
    source = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Conv2d(4, 2, 1))
    torch.save({"decay": 0.9, "optimization_step": 3, "shadow_params": [p.data for p in source.parameters()]}, path)
    assert str(checkpoint.load_into(net, checkpoint.read(path).entries, path)) == "averaged weights of shadow_params"
    assert torch.equal(net[1].weight, source[1].weight)
    other = nn.Linear(3, 4)
    with pytest.raises(CheckpointError, match="holds nothing that Linear needs"):
        checkpoint.load_into(other, checkpoint.read(path).entries, path)


def test_buffers_come_from_the_raw_weights_where_the_average_has_none(tmp_path):
    net = Net()
    _, result = loaded(tmp_path, {"model": R, "ema": only_parameters(E)}, net=net)
    assert float(net.features[1].running_mean[0]) == RAW
    assert str(result) == "averaged weights of ema with the buffers of model, not model"


@pytest.mark.parametrize(
    ("weights", "sentence"),
    [
        ("ema", r"no weights that are known to be averaged; it holds model \(raw\)"),
        ("best", r"no weights called 'best'; it holds model \(raw\): leave `weights` out"),
    ],
)
def test_a_choice_that_the_file_has_not_is_refused(tmp_path, weights, sentence):
    with pytest.raises(CheckpointError, match=sentence):
        loaded(tmp_path, {"model": R}, weights)


def test_a_network_whose_own_parts_are_called_ema_is_no_average(tmp_path):
    class Attending(nn.Module):
        def __init__(self):
            super().__init__()
            self.ema = nn.Conv2d(3, 3, 1)
            self.average = nn.BatchNorm2d(3)
            self.fc = nn.Linear(3, 2)

    source, net = Attending(), Attending()
    path = tmp_path / "net.pt"
    torch.save(source.state_dict(), path)
    assert str(checkpoint.load_into(net, checkpoint.read(path).entries, path)) == ""
    assert torch.equal(net.ema.weight, source.ema.weight)


def test_averages_of_other_things_are_no_average_of_the_weights(tmp_path):
    content = {
        "model": R,
        "optimizer": {"state": {i: {"exp_avg": t, "exp_avg_sq": t} for i, t in enumerate(listed(E))}},
        "avg_losses": {f"epoch{i}": torch.tensor(0.5) for i in range(100)},
        "running_avg": [torch.zeros(7) for _ in range(20)],
        "loss_avg": torch.zeros(1000),
        "gradient_ema": only_parameters(E),
    }
    assert loaded(tmp_path, content)[0] == RAW


def test_sets_of_the_same_numbers_leave_no_choice(tmp_path):
    assert loaded(tmp_path, {"model": R, "best_model": collections.OrderedDict(R)})[0] == RAW
