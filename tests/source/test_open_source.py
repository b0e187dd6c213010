import hashlib
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper

import ssc_deploy
from ssc_deploy import checkpoint, nets
from ssc_deploy.errors import CardError, CheckpointError, NetworkError
from ssc_deploy.examples import Examples
from ssc_deploy.metadata import Preprocessing
from ssc_deploy.source import open_source
from ssc_deploy.source.opening import stem
from ssc_deploy.training.state import State
from ssc_deploy.verification.torch_reference import TorchReference

HALF = Preprocessing((0.5,) * 3, (0.5,) * 3)

NET = """
import torch
from dataclasses import dataclass
from neighbour import WIDTH

@dataclass
class Settings:
    width: int = WIDTH

class Tiny(torch.nn.Module):
    def __init__(self, classes=3, note=None):
        super().__init__()
        self.note = note
        self.conv = torch.nn.Conv2d(3, Settings().width, 1)
        self.head = torch.nn.Linear(Settings().width, classes)

    def forward(self, x):
        return self.head(self.conv(x).mean((2, 3)))

class Outer:
    Inner = Tiny

def number():
    return 3

class Complex(Tiny):
    def forward(self, x):
        return torch.fft.fft2(x)

class Nothing(Tiny):
    def forward(self, x):
        return None, 3

class Thing(Tiny):
    def forward(self, x):
        return object()

class Anchors(Tiny):
    def forward(self, x):
        return {"scores": super().forward(x), "anchors": torch.ones(3, 4)}

VALUE = 4
"""


@pytest.fixture
def net_file(tmp_path):
    (tmp_path / "net.py").write_text(NET)
    (tmp_path / "neighbour.py").write_text("WIDTH = 5\n")
    yield tmp_path / "net.py"
    sys.modules.pop("neighbour", None)


def saved(path, net, **options):
    checkpoint.save(net, path, **options)
    return path


def bare(path, net, prefix=""):
    torch.save({prefix + name: tensor for name, tensor in net.state_dict().items()}, path)
    return path


def randomised(arch, **args):
    net = nets.build(arch, **args).eval()
    nets.randomise(net)
    return net


@torch.no_grad()
def same_logits(a, b, shape=(2, 3, 16, 16)):
    x = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    return torch.equal(a(x), b(x))


# Checkpoints of the known networks


def test_a_bare_state_dict_is_enough(tmp_path):
    net = randomised("ssc-net", B=2, classes=7)
    path = bare(tmp_path / "ssc_2_9.pth.tar", net, "module.")
    source = open_source(path)
    assert (source.name, source.stem, source.classes, source.input_shape) == (
        "SSC-Net-2-9",
        "ssc_2_9",
        7,
        (1, 3, 32, 32),
    )
    assert source.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert same_logits(source.module, net)
    assert not source.module.training
    assert {p.dtype for p in source.module.parameters()} == {torch.float32}


def test_what_no_shape_tells_comes_from_our_own_file(tmp_path):
    net = randomised("ssc-net", order="contiguous", reverse=True, relu="conv1,sum", stride_at="ssc2")
    path = saved(tmp_path / "net.pt", net, labels=tuple("abcdefghij"), preprocessing=HALF)
    source = open_source(path)
    assert source.module.config == net.config
    assert (source.labels, source.preprocessing, source.card) == (tuple("abcdefghij"), HALF, None)
    assert same_logits(source.module, net)


def test_arguments_fill_in_what_no_shape_tells(tmp_path):
    net = randomised("ssc-net", order="contiguous", scan="columns")
    path = bare(tmp_path / "net.pt", net)
    assert not same_logits(open_source(path).module, net)
    for arch in (None, "ssc-net"):
        source = open_source(path, arch=arch, args={"order": "contiguous", "scan": "columns"})
        assert same_logits(source.module, net)


def test_half_precision_becomes_float32(tmp_path):
    net = randomised("shift-net", B=1, e=1)
    source = open_source(bare(tmp_path / "net.pt", net.half()))
    assert {t.dtype for t in source.module.state_dict().values()} == {torch.float32, torch.int64}


def test_the_averaged_copy_is_taken_and_told(tmp_path):
    net, raw = randomised("resnet", B=1), nets.build("resnet", B=1)
    torch.save({"model": raw.state_dict(), "ema": net.state_dict()}, tmp_path / "net.pt")
    source = open_source(tmp_path / "net.pt")
    assert str(source.weights) == "averaged weights of ema, not model"
    assert same_logits(open_source(tmp_path / "net.pt", weights="raw").module, raw.eval())
    assert same_logits(source.module, net)


def test_the_state_of_a_training_of_ours_tells_its_network(tmp_path):
    net = randomised("ssc-net", B=1, order="contiguous", classes=2)
    run = {**dict.fromkeys(("pictures", "labels"), ""), "architecture": "ssc-net", "epochs": 3}
    run |= {"configuration": nets.config.to_dict(net.config), "classes": ["cat", "dog"]}
    State(run, 1, net.state_dict(), {"state": {}}, ()).write(tmp_path / "net.training.pt")
    source = open_source(tmp_path / "net.training.pt")
    assert source.module.config == net.config
    assert source.labels == ("cat", "dog")
    assert same_logits(source.module, net)


def test_of_several_networks_in_one_file_the_user_says_which(tmp_path):
    student, teacher = randomised("ssc-net", B=1), randomised("resnet", B=1)
    content = {"student": student.state_dict(), "teacher": teacher.state_dict(), "epoch": 3}
    torch.save(content, tmp_path / "net.pt")
    with pytest.raises(CheckpointError, match=r"several networks .*`weights='student'` or `weights='teacher'`"):
        open_source(tmp_path / "net.pt")
    assert same_logits(open_source(tmp_path / "net.pt", weights="student").module, student)
    assert same_logits(open_source(tmp_path / "net.pt", arch="resnet").module, teacher)


def test_random_weights_are_seeded():
    first, second = (open_source(None, arch="ssc-net", args={"B": "1"}) for _ in range(2))
    assert (first.name, first.stem, first.path, first.sha256) == ("SSC-Net-1-9", "ssc-net-1-9", None, "")
    assert same_logits(first.module, second.module)


def test_a_header_that_claims_another_size_builds_nothing(tmp_path):
    net = nets.build("shift-net", B=1, e=1)
    header = checkpoint.Header("shift-net", {"B": 10**9, "e": 1}).to_dict()
    torch.save({**header, "state_dict": net.state_dict()}, tmp_path / "net.pt")
    with pytest.raises(CheckpointError, match="described with B=1000000000, its tensors are of B=1"):
        open_source(tmp_path / "net.pt")
    torch.save({**header, "state_dict": {"a": torch.ones(1)}}, tmp_path / "net.pt")
    with pytest.raises(CheckpointError, match="described as shift-net, its tensors are of another network"):
        open_source(tmp_path / "net.pt")


def test_a_foreign_checkpoint_asks_for_its_network(tmp_path):
    torch.save(torch.nn.Linear(2, 2).state_dict(), tmp_path / "net.pt")
    with pytest.raises(
        CheckpointError, match=r"\(weight, bias, \.\.\.\).*resnet, shift-net, .*ssc-net, .*\): bring .*`model="
    ):
        open_source(tmp_path / "net.pt")


def test_a_wrong_argument_gives_both_shapes(tmp_path):
    path = bare(tmp_path / "net.pt", nets.build("ssc-net"))
    with pytest.raises(
        CheckpointError, match=r"body\.0\.conv1\.conv\.weight has shape \[81, 16, 1, 1\].*\[162, 16, 1, 1\]"
    ):
        open_source(path, args={"G": "18"})


def test_a_wrong_architecture_names_keys(tmp_path):
    path = bare(tmp_path / "net.pt", nets.build("shift-net", B=1))
    with pytest.raises(
        CheckpointError, match=r"does not fit ResNet: the checkpoint lacks body\.0\.conv1\.conv\.weight"
    ):
        open_source(path, arch="resnet", args={"B": "1"})


def test_without_anything_the_known_are_listed():
    with pytest.raises(NetworkError, match=r"resnet, shift-net, .*ssc-net"):
        open_source(None)
    with pytest.raises(NetworkError, match="unknown architecture 'sscnet'"):
        open_source(None, arch="sscnet")


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((1, 3, 0, 32), r"is not possible.*`input_shape=\(1, C, H, W\)`"),
        ((), "is not possible"),
        ((1,) * 7, "1 to 6 sizes"),
        ("1,3,x", "is not a shape of an input"),
        ("1,3,32,32:float16", "takes inputs of float32, int64.*not of 'float16'"),
        ([(1, 3, 32, 32), 7.5], "is not a shape of an input"),
        ((3, 32, 32), r"without a batch in front.*`input_shape=\(1, 3, 32, 32\)`"),
    ],
)
def test_an_impossible_input_shape(shape, message):
    with pytest.raises(NetworkError, match=message):
        open_source(None, arch="ssc-net", input_shape=shape)


def test_a_picture_that_the_network_does_not_take():
    with pytest.raises(NetworkError, match="SscNet fails on an image of 1x4x32x32: RuntimeError"):
        open_source(None, arch="ssc-net", input_shape=(1, 4, 32, 32))


# Cards


def carded(tmp_path, net, text):
    path = bare(tmp_path / "net.pt", net)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    head = f'schema_version = 1\nname = "Carded"\ncheckpoint = "net.pt"\nsha256 = "{sha256}"\n'
    (tmp_path / "model.toml").write_text(head + text)
    return path


def test_the_card_names_what_the_file_does_not(tmp_path):
    net = randomised("ssc-net", classes=2, reverse=True)
    text = 'arch = "ssc-net"\nlabels = ["a", "b"]\n[config]\nclasses = 2\nreverse = true\n'
    source = open_source(
        carded(tmp_path, net, text + "[preprocessing]\nmean = [0.5, 0.5, 0.5]\nstd = [0.5, 0.5, 0.5]\n")
    )
    assert (source.name, source.labels, source.preprocessing) == ("Carded", ("a", "b"), HALF)
    assert source.card is not None
    assert same_logits(source.module, net)


def test_a_card_with_too_few_labels_is_refused(tmp_path):
    path = carded(tmp_path, nets.build("resnet", B=1), 'labels = ["a", "b"]\n')
    with pytest.raises(CardError, match=r"model\.toml lists 2 labels, the network has 10 outputs"):
        open_source(path)


def test_a_card_of_another_file_is_left_with_a_warning(tmp_path):
    path = carded(tmp_path, nets.build("resnet", B=1), "")
    bare(path, randomised("resnet", B=1))
    with pytest.warns(UserWarning, match="is not used"):
        assert open_source(path).name == "ResNet-1-9"


# Anyone's own module


def test_a_users_module_with_its_checkpoint(tmp_path, net_file):
    made = open_source(None, model=f"{net_file}:Tiny", args={"classes": "4"}, input_shape=(1, 3, 8, 8))
    torch.save(made.module.state_dict(), tmp_path / "tiny.pth")
    source = open_source(
        tmp_path / "tiny.pth",
        model=f"{net_file}:Outer.Inner",
        args={"classes": "4", "note": "it's"},
        input_shape=(1, 3, 8, 8),
    )
    assert (source.name, source.stem, source.classes, source.input_shape) == ("Outer.Inner", "tiny", 4, (1, 3, 8, 8))
    assert source.module.note == "it's"
    assert same_logits(source.module, made.module)
    assert str(tmp_path) not in sys.path


def test_a_users_module_in_a_package():
    args = {"in_channels": "3", "out_channels": "2", "kernel_size": "(1, 3)"}
    source = open_source(None, model="torch.nn:Conv2d", args=args, input_shape=(1, 3, 8, 8))
    assert source.module.kernel_size == (1, 3)
    assert source.classes is None


@pytest.mark.parametrize(
    ("spec", "args", "sentence"),
    [
        ("net.py", {}, "needs the form"),
        ("missing.py:Tiny", {}, "there is no file"),
        ("net.py:Tinny", {}, r"has no 'Tinny'; did you mean 'Tiny'\?"),
        ("net.py:Tiny", {"width": "3"}, r"Tiny\(width=3\) fails: TypeError: .*'width'; give its arguments with `args="),
        ("net.py:Tiny", {"classes": "many"}, r"Tiny\(classes=many\) fails: TypeError"),
        ("net.py:number", {}, r"number in .*net\.py gives an object of type int, not a torch\.nn\.Module"),
        ("net.py:VALUE", {}, r"VALUE in .*net\.py is an object of type int, not a class or function"),
        ("net.py:Nothing", {}, "Nothing returns no tensor"),
        ("net.py:Thing", {}, "Thing returns an object of type object; return tensors, alone or in a tuple"),
        ("net.py:Anchors", {}, r"returns \[3, 4\] as anchors for one example.*`outputs=\('scores',\)`"),
        ("net.py:Complex", {}, r"Complex returns complex numbers.*torch\.view_as_real"),
    ],
)
def test_a_users_mistake_is_named(net_file, spec, args, sentence):
    with pytest.raises(NetworkError, match=sentence):
        open_source(None, model=str(net_file.parent / spec), args=args, input_shape=(1, 3, 8, 8))


@pytest.mark.parametrize("place", ["__init__", "forward"])
@pytest.mark.parametrize(
    ("raised", "kind"), [("Odd('no such luck')", "Odd: no such luck"), ("SystemExit(3)", "SystemExit: 3")]
)
def test_whatever_a_users_network_raises_is_named(tmp_path, place, raised, kind):
    (tmp_path / "odd.py").write_text(
        "import torch\nclass Odd(Exception): pass\n"
        f"class Net(torch.nn.Module):\n    def {place}(self, *_): raise {raised}\n"
    )
    with pytest.raises(NetworkError, match=f"fails.*{kind}"):
        open_source(None, model=f"{tmp_path}/odd.py:Net", input_shape=(1, 3, 8, 8))


def test_a_lazy_network_gets_its_parameters_from_the_first_picture(tmp_path):
    (tmp_path / "lazy.py").write_text(
        "import torch\ndef net(): return torch.nn.Sequential(torch.nn.LazyConv2d(4, 1), torch.nn.Flatten())\n"
    )
    source = open_source(None, model=f"{tmp_path}/lazy.py:net", input_shape=(1, 3, 2, 2))
    assert source.classes == 16
    assert not any(parameter.requires_grad for parameter in source.module.parameters())


def test_a_lazy_network_takes_a_checkpoint(tmp_path):
    (tmp_path / "lazy.py").write_text(
        "import torch\nfrom torch.nn import *\n"
        "def net(): return Sequential(LazyConv2d(4, 1), LazyBatchNorm2d(), Flatten(), LazyLinear(2))\n"
    )
    made = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 1), torch.nn.BatchNorm2d(4), torch.nn.Flatten(), torch.nn.Linear(16, 2)
    )
    torch.save(made.state_dict(), tmp_path / "lazy.pt")
    source = open_source(tmp_path / "lazy.pt", model=f"{tmp_path}/lazy.py:net", input_shape=(1, 3, 2, 2))
    assert same_logits(source.module, made.eval(), (2, 3, 2, 2))
    with pytest.raises(CheckpointError, match=r"3\.weight has shape \[2, 16\] in the checkpoint and \[2, 36\]"):
        open_source(tmp_path / "lazy.pt", model=f"{tmp_path}/lazy.py:net", input_shape=(1, 3, 3, 3))


def test_a_lazy_part_that_never_runs_is_named(tmp_path):
    (tmp_path / "lazy.py").write_text(
        "import torch\n"
        "class Net(torch.nn.Conv2d):\n"
        "    def __init__(self):\n"
        "        super().__init__(3, 4, 1)\n"
        "        self.spare = torch.nn.LazyLinear(2)\n"
    )
    with pytest.raises(
        NetworkError, match=r"lazy tensors that its forward does not use \(spare\.weight, spare\.bias\)"
    ):
        open_source(None, model=f"{tmp_path}/lazy.py:Net", input_shape=(1, 3, 2, 2))


def test_what_train_and_eval_return_is_not_used(tmp_path):
    (tmp_path / "tsm.py").write_text(
        "import torch\n"
        "class Net(torch.nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.layers = torch.nn.Sequential(torch.nn.Conv2d(3, 2, 1), torch.nn.BatchNorm2d(2))\n"
        "    def train(self, mode=True):\n"
        "        super().train(mode)\n"
        "    def float(self):\n"
        "        super().float()\n"
        "    def forward(self, x):\n"
        "        return self.layers(x).mean((2, 3))\n"
    )
    source = open_source(None, model=f"{tmp_path}/tsm.py:Net", input_shape=(1, 3, 4, 4))
    assert not source.module.training
    outputs = TorchReference(source.module).outputs(Examples.of(np.ones((2, 3, 4, 4), np.float32)))[0]
    with torch.no_grad():
        np.testing.assert_allclose(outputs, source.module(torch.ones(2, 3, 4, 4)).numpy(), rtol=1e-5)


DRAWN = """
import random, numpy, torch
from counting import numbers
IMPORTED = torch.randperm(8).tolist()

class Net(torch.nn.Module):
    def __init__(self, how, trained=True):
        super().__init__()
        self.a, self.b = torch.nn.Conv2d(3, 8, 1), torch.nn.Conv2d(8, 4, 1)
        self.noise = how == "forward"
        self.calls = 0 if how == "calls" else None
        order = list(range(8))
        if how == "torch": order = torch.randperm(8).tolist()
        if how == "numpy": order = numpy.random.permutation(8).tolist()
        if how == "random": random.shuffle(order)
        if how == "import": order = IMPORTED
        if how == "unseeded": order = numpy.random.default_rng().permutation(8).tolist()
        if how == "own seed": order = torch.randperm(8, generator=torch.Generator().manual_seed(3)).tolist()
        if how == "counter": order = [(i + next(numbers)) % 8 for i in order]
        if how in ("buffer", "not persistent"):
            self.register_buffer("order", torch.randperm(8), persistent=how == "buffer")
        else:
            self.order = order
        if how == "width":
            self.b = torch.nn.Conv2d(8, 4 + int(torch.randint(0, 90, ())), 1)

    def forward(self, x):
        x = self.b(torch.relu(self.a(x))[:, self.order])
        if self.calls is not None: self.calls += 1
        if self.noise: x = x + torch.rand_like(x) + numpy.random.default_rng().random()
        return x.mean((2, 3)) + (self.calls or 0)
"""


@pytest.fixture
def drawn_file(tmp_path):
    (tmp_path / "drawn.py").write_text(DRAWN)
    (tmp_path / "counting.py").write_text("import itertools\nnumbers = itertools.count()\n")
    yield tmp_path / "drawn.py"
    sys.modules.pop("counting", None)


def open_drawn(file, how, seed=None, trained_with=1):
    sys.modules.pop("counting", None)
    spec = {"model": f"{file}:Net", "args": {"how": how}, "input_shape": (1, 3, 4, 4)}
    made = open_source(None, **spec, seed=trained_with)
    torch.save(made.module.state_dict(), file.with_suffix(".pt"))
    sys.modules.pop("counting", None)
    return made, open_source(file.with_suffix(".pt"), **spec, seed=seed)


@pytest.mark.quick(2)
@pytest.mark.parametrize("how", ["torch", "numpy", "random", "import", "not persistent"])
def test_a_structure_that_is_drawn_and_not_saved_is_refused_unless_its_seed_is_given(drawn_file, how):
    with pytest.raises(NetworkError, match=r"draws random numbers while it is built.*`seed=N`.*register_buffer"):
        open_drawn(drawn_file, how)
    made, source = open_drawn(drawn_file, how, seed=1)
    assert same_logits(source.module, made.module)


@pytest.mark.parametrize("seed", [None, 1])
def test_a_structure_that_no_seed_brings_back_is_refused(drawn_file, seed):
    with pytest.raises(NetworkError, match="is another network each time it is built, even under one seed"):
        open_drawn(drawn_file, "unseeded", seed=seed)


def test_a_structure_of_other_sizes_is_refused(drawn_file):
    with pytest.raises(NetworkError, match="draws random numbers while it is built"):
        open_drawn(drawn_file, "width", trained_with=0)


@pytest.mark.quick(2)
@pytest.mark.parametrize("how", ["nothing", "own seed", "buffer", "forward", "counter", "calls"])
def test_a_network_that_its_checkpoint_describes_is_taken(drawn_file, how):
    open_drawn(drawn_file, how)


def test_what_a_networks_code_says_is_said_once(drawn_file, capsys):
    with drawn_file.open("a") as file:
        file.write("\nprint('imported')\n")
    _, source = open_drawn(drawn_file, "nothing")
    assert source.module is not None
    assert capsys.readouterr().out.split() == ["imported"] * 2  # once for each of the two that were opened


def test_without_a_checkpoint_nothing_is_drawn_wrong(drawn_file):
    spec = {"model": f"{drawn_file}:Net", "args": {"how": "torch"}, "input_shape": (1, 3, 4, 4)}
    first, second, other = (open_source(None, **spec, seed=seed) for seed in (None, 0, 5))
    assert same_logits(first.module, second.module)
    assert not same_logits(first.module, other.module)


def test_building_leaves_the_callers_random_numbers_alone(drawn_file):
    before = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()
    open_drawn(drawn_file, "nothing")
    assert (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()) == before


SCRIPTED = """
import torch
CORE = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 1), torch.nn.BatchNorm2d(4)).eval()
IMAGE = torch.zeros(1, 3, 4, 4)
NET = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 1), torch.nn.BatchNorm2d(4))
def script(): return torch.jit.script(CORE)
def trace(): return torch.jit.trace(CORE, IMAGE)
def part(): return torch.nn.Sequential(torch.jit.script(CORE), torch.nn.ReLU())
def program(): return torch.export.export(CORE, (IMAGE,))
def unlifted(): return torch.export.export(CORE, (IMAGE,)).module()
def symbolic(): return torch.fx.symbolic_trace(CORE)
def compiled(): return torch.compile(CORE)
def parallel(): return torch.nn.DataParallel(torch.compile(CORE))
"""


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("script", r"gives is a TorchScript module.*dynamo=False.*`ckpt='net\.onnx'`"),
        ("trace", "gives is a TorchScript module"),
        ("part", r"has a TorchScript module in it \(0\)"),
        ("unlifted", r"a program of torch\.export.*give the program itself, or the module"),
    ],
)
def test_a_module_that_is_compiled_already_is_told_what_it_is(tmp_path, name, sentence):
    (tmp_path / "compiled.py").write_text(SCRIPTED)
    with pytest.raises(NetworkError, match=sentence):
        open_source(None, model=f"{tmp_path}/compiled.py:{name}", input_shape=(1, 3, 4, 4))


def test_a_graph_of_torch_fx_is_a_module_like_any_other(tmp_path):
    (tmp_path / "compiled.py").write_text(SCRIPTED)
    source = open_source(None, model=f"{tmp_path}/compiled.py:symbolic", input_shape=(1, 3, 4, 4))
    assert isinstance(source.module, torch.fx.GraphModule)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("script", "MADE .*is a TorchScript module"), ("unlifted", r"MADE .*a program of torch\.export")],
)
def test_what_the_users_file_has_compiled_while_it_is_imported_is_told_as_well(tmp_path, name, sentence):
    (tmp_path / "compiled.py").write_text(f"{SCRIPTED}MADE = {name}()\n")
    with pytest.raises(NetworkError, match=sentence):
        open_source(None, model=f"{tmp_path}/compiled.py:MADE", input_shape=(1, 3, 4, 4))


def test_a_module_that_the_users_file_holds_is_taken_as_it_is(tmp_path):
    (tmp_path / "compiled.py").write_text(SCRIPTED)
    model = {"model": f"{tmp_path}/compiled.py:NET", "input_shape": (1, 3, 4, 4)}
    trained = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 1), torch.nn.BatchNorm2d(4)).eval()
    torch.save(trained.state_dict(), tmp_path / "net.pt")
    assert same_logits(open_source(tmp_path / "net.pt", **model).module, trained)
    with pytest.raises(NetworkError, match=r"NET in .* is a Sequential already: leave `args` out"):
        open_source(None, **model, args={"width": "3"})


@pytest.mark.slow
@pytest.mark.parametrize("name", ["compiled", "parallel"])
def test_of_a_wrapped_network_the_network_is_taken(tmp_path, name):
    (tmp_path / "compiled.py").write_text(SCRIPTED)
    trained = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 1), torch.nn.BatchNorm2d(4)).eval()
    torch.save(trained.state_dict(), tmp_path / "net.pt")
    source = open_source(tmp_path / "net.pt", model=f"{tmp_path}/compiled.py:{name}", input_shape=(1, 3, 4, 4))
    assert type(source.module) is torch.nn.Sequential
    assert same_logits(source.module, trained)


@pytest.mark.parametrize("name", ["NET.PT", "net.PTH", "net.SAFETENSORS", "net.Pth.Tar"])
def test_suffixes_of_checkpoints_may_be_capitals(tmp_path, name):
    net = randomised("resnet", B=1)
    checkpoint.save(net, tmp_path / name)
    source = open_source(tmp_path / name)
    assert source.stem.lower() == "net"
    assert same_logits(source.module, net)


@pytest.mark.parametrize(("code", "kind"), [("def f(:", "SyntaxError"), ("import nowhere", "ModuleNotFoundError")])
def test_a_users_file_that_cannot_be_imported(tmp_path, code, kind):
    (tmp_path / "broken.py").write_text(code)
    with pytest.raises(NetworkError, match=rf"broken\.py fails while it is imported: {kind}"):
        open_source(None, model=f"{tmp_path}/broken.py:Net", input_shape=(1, 3, 8, 8))
    with pytest.raises(NetworkError, match="cannot import no_such_package: ModuleNotFoundError"):
        open_source(None, model="no_such_package:Net", input_shape=(1, 3, 8, 8))


def test_options_that_exclude_each_other(net_file):
    with pytest.raises(NetworkError, match="`model` and `arch` exclude each other"):
        open_source(None, model=f"{net_file}:Tiny", arch="ssc-net")
    with pytest.raises(NetworkError, match="`model` needs `input_shape` as well"):
        open_source(None, model=f"{net_file}:Tiny")


@pytest.mark.parametrize(
    ("name", "expected"),
    [("ssc_1_9.pth.tar", "ssc_1_9"), ("net.v2.pt", "net.v2"), ("a.safetensors", "a"), ("plain", "plain")],
)
def test_stem(tmp_path, name, expected):
    assert stem(tmp_path / name) == expected


# ONNX files


def test_an_onnx_file_of_several_inputs_and_outputs_keeps_their_names(tmp_path):
    signature = open_source(
        onnx_model(tmp_path / "net.onnx", (1, 192), TensorProto.INT64, inputs=2, outputs=2)
    ).signature
    assert [(one.name, one.shape, one.dtype) for one in signature.inputs] == [
        ("x0", (1, 192), "int64"),
        ("x1", (1, 192), "int64"),
    ]
    assert [(one.name, one.shape) for one in signature.outputs] == [("y0", (1, 192)), ("y1", (1, 192))]
    assert signature.rows
    assert signature.image is None


def onnx_model(path, shape=("N", 3, 8, 8), kind=TensorProto.FLOAT, inputs=1, outputs=1):
    names = [f"x{i}" for i in range(inputs)]
    nodes = [helper.make_node("Flatten", [names[0]], [f"y{i}"]) for i in range(outputs if inputs else 0)]
    if not inputs:
        nodes = [helper.make_node("Constant", [], ["y0"], value_floats=[1.0])]
    model = helper.make_model(
        helper.make_graph(
            nodes,
            "tiny",
            [helper.make_tensor_value_info(name, kind, shape) for name in names],
            [helper.make_tensor_value_info(f"y{i}", kind, ("N", 192)) for i in range(outputs)],
        ),
        opset_imports=[helper.make_opsetid("", 17)],
    )
    onnx.save(model, path)
    return path


@pytest.mark.parametrize(("name", "batch"), [("net.onnx", "N"), ("net.onnx", 1), ("net.onnx", 4), ("net.ONNX", 1)])
def test_an_onnx_file_in_place_of_a_checkpoint(tmp_path, name, batch):
    path = onnx_model(tmp_path / name, (batch, 3, 8, 8))
    source = open_source(path)
    assert (source.module, source.onnx_path, source.input_shape, source.classes) == (None, path, (1, 3, 8, 8), 192)
    assert (source.name, source.stem) == ("tiny", "net")
    assert source.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            {"shape": ("N", 3, "H", "W")},
            r"input x0 has shape \['N', 3, 'H', 'W'\].*export it with inputs of fixed size",
        ),
        ({"shape": None}, "not a valid ONNX model: Field 'shape'"),
        (
            {"kind": TensorProto.INT16},
            "input x0 is of type int16; float32, .* can be taken: export",
        ),
        ({"inputs": 0}, "has no input"),
    ],
)
def test_an_onnx_file_that_no_file_can_be_made_of(tmp_path, options, sentence):
    with pytest.raises(CheckpointError, match=sentence):
        open_source(onnx_model(tmp_path / "net.onnx", **options))


@pytest.mark.parametrize("content", [None, b"", b"not protobuf at all", b"\x89PNG\r\n"])
def test_a_file_that_is_no_onnx_model(tmp_path, content):
    if content is not None:
        (tmp_path / "net.onnx").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"net\.onnx is (empty|not a valid ONNX model)"):
        open_source(tmp_path / "net.onnx")


def test_an_onnx_file_takes_no_network_options(tmp_path):
    for option in ({"arch": "ssc-net"}, {"weights": "ema"}, {"seed": 1}):
        with pytest.raises(NetworkError, match="brings its own network"):
            open_source(onnx_model(tmp_path / "net.onnx"), **option)


def test_opening_an_onnx_file_imports_no_torch(tmp_path):
    path = onnx_model(tmp_path / "net.onnx")
    code = (
        "import sys, pathlib, ssc_deploy.source as source\n"
        "source.open_source(pathlib.Path(sys.argv[1]))\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, path], check=True, cwd=Path(ssc_deploy.__file__).parents[1])


def test_a_network_of_the_paper_is_called_by_its_name(tmp_path):
    source = open_source(None, arch="shift-net-3-6", args={"classes": "7"})
    assert (source.name, source.stem, source.classes) == ("Shift-Net-3-6", "shift-net-3-6", 7)
    path = tmp_path / "net.pt"
    checkpoint.save(source.module, path)
    assert open_source(path, arch="shift-net-3-6").classes == 7
    with pytest.raises(CheckpointError):
        open_source(path, arch="shift-net-9-6")
