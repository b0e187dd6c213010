from dataclasses import dataclass

import pytest
import torch

from ssc_deploy import nets
from ssc_deploy.errors import NetworkError
from ssc_deploy.nets.config import parse, to_dict
from ssc_deploy.nets.resnet import Mode, ResNetConfig
from ssc_deploy.nets.shift_net import ReluPlace
from ssc_deploy.nets.ssc_net import SscNetConfig, Step

NETS = [
    ("ssc-net", {"B": 1, "G": 9}, "SSC-Net-1-9"),
    ("ssc-net", {"B": 2, "G": 2, "k": 1, "classes": 7, "stem": 5, "in_channels": 1}, "SSC-Net-2-2"),
    ("ssc-net", {"G": 25, "k": 5}, "SSC-Net-1-25"),
    ("shift-net", {"B": 1, "e": 3, "stem": 8, "classes": 4}, "Shift-Net-1-3"),
    ("resnet", {"B": 1}, "ResNet-1-9"),
    ("resnet", {"B": 3, "reduction": 1.41, "classes": 100}, "ResNet-3-6"),
    ("resnet", {"B": 1, "reduction": 2.0, "mode": "block"}, "ResNet-1 (r = 2)"),
    ("resnet", {"B": 1, "shortcut": "zero-pad"}, "ResNet-8 (zero-pad)"),
    ("resnet", {"B": 1, "reduction": 1.41, "shortcut": "zero-pad"}, "ResNet-1-6 (zero-pad)"),
    ("pre-resnet", {"B": 1, "stem": 4, "classes": 100}, "pre-activation ResNet-11"),
    ("mobilenet-v2", {"width": 0.35, "classes": 3}, "MobileNetV2 0.35"),
    ("igcv2", {"B": 1, "C": 24, "branch": 4, "in_channels": 1}, "IGCV2*-C24"),
    ("igcv3", {"width": 0.7, "classes": 4}, "IGCV3-D 0.7"),
    ("densenet", {"L": 10, "k": 4}, "DenseNet-10-4"),
    ("densenet", {"L": 16, "k": 5, "bottleneck": True, "theta": 0.5, "stem": 10}, "DenseNet-BC-16-5"),
    ("densenet", {"L": 10, "k": 5, "theta": 0.33, "stem": 8}, "DenseNet-C-10-5"),
    ("swapout", {"B": 1, "widen": 1}, "Swapout v2(8)x1"),
    ("dfn-mr", {"B": 1, "stem": 8}, "DFN-MR (B = 1)"),
    ("shufflenet", {"scale": 0.5, "classes": 5}, "ShuffleNet 0.5x (g = 3)"),
    ("shufflenet", {"g": 8}, "ShuffleNet 1x (g = 8)"),
    ("torchvision-resnet", {"classes": 7}, "ResNet-18 (ImageNet)"),
    ("torchvision-resnet", {"depth": 50}, "ResNet-50 (ImageNet)"),
]


def shapes(module):
    return {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}


def test_known_names_are_sorted():
    assert nets.names() == (
        "densenet",
        "dfn-mr",
        "igcv2",
        "igcv3",
        "mobilenet-v2",
        "pre-resnet",
        "resnet",
        "shift-net",
        "shufflenet",
        "ssc-net",
        "swapout",
        "torchvision-resnet",
    )


def test_a_duplicate_name_is_refused():
    with pytest.raises(ValueError, match="'ssc-net' is registered twice"):
        nets.register(type("Another", (nets.get("resnet"),), {"arch": "ssc-net"}))


def test_unknown_architecture_lists_the_known():
    with pytest.raises(NetworkError, match=r"did you mean 'ssc-net'.*resnet, shift-net, .*ssc-net"):
        nets.build("sscnet")


def test_unknown_argument_lists_the_known():
    with pytest.raises(NetworkError, match=r"unknown argument 'stemm'; did you mean 'stem'.*B, G, k, classes"):
        nets.build("ssc-net", stemm=3)


@pytest.mark.quick(6)
@pytest.mark.parametrize(("arch", "args", "title"), NETS)
def test_network_has_its_title_and_its_logits(arch, args, title):
    # Shapes and types alone, without numbers: a picture of 224x224 takes seconds.
    with torch.device("meta"):
        net = nets.build(arch, **args).eval().to("meta")
        assert net.title == title
        assert net(torch.zeros(net.input_shape)).shape == (1, net.config.classes)
        larger = torch.zeros(2, net.config.in_channels, 36, 40, dtype=torch.float64)
        assert net.double()(larger).dtype == torch.float64


@pytest.mark.quick(8)
@pytest.mark.parametrize(("arch", "args", "title"), NETS)
def test_configuration_is_read_off_the_shapes(arch, args, title):
    with torch.device("meta"):
        net = nets.build(arch, **args)
    found = nets.infer(shapes(net))
    assert found is not None
    with torch.device("meta"):
        inferred = nets.create(*found)
    assert found[0] == arch
    assert inferred.title == title
    assert shapes(inferred) == shapes(net)


def test_shapes_of_another_network_fit_none():
    assert nets.infer({"conv1.weight": (64, 3, 7, 7), "head.weight": (10, 64)}) is None
    assert nets.infer({}) is None


@pytest.mark.quick(8)
@pytest.mark.parametrize(("arch", "args", "_title"), NETS)
def test_names_without_the_sizes_of_the_network_fit_none(arch, args, _title):
    with torch.device("meta"):
        hollow = shapes(nets.build(arch, **args))
    head = {name: size for name, size in hollow.items() if len(size) == 2}
    for shape in [(), (3,), (0, 0), (0, 0, 0, 0), (10**9, 10**9, 0, 0)]:
        assert nets.infer(dict.fromkeys(hollow, shape)) is None, shape
        # The head alone as it should be.
        assert nets.infer({**dict.fromkeys(hollow, shape), **head}) is None, shape


def test_sizes_that_the_network_cannot_have_fit_none():
    found = shapes(nets.build("shufflenet", scale=0.5))
    # 144 channels of the first stage are 0.6x, of which a fourth part does not fall into three groups of the rest.
    assert nets.infer({**found, "stem.conv.weight": (14, 3, 3, 3), "body.1.conv1.conv.weight": (36, 48, 1, 1)}) is None


@pytest.mark.parametrize(
    ("arch", "name", "size"),
    [
        ("torchvision-resnet", "layer1.0.conv2.weight", (64, 2, 3, 3)),
        ("torchvision-resnet", "layer1.0.conv1.weight", (128, 64, 3, 3)),
        ("mobilenet-v2", "features.3.conv.2.weight", (23, 144, 1, 1)),
        ("igcv3", "body.4.project.conv.weight", (23, 72, 1, 1)),
        ("densenet", "body.12.project.conv.weight", (161, 160, 1, 1)),
    ],
)
def test_a_variant_with_the_same_names_is_not_taken_for_the_network(arch, name, size):
    with torch.device("meta"):
        found = shapes(nets.build(arch))
    assert name in found
    assert nets.infer({**found, name: size}) is None


def test_arguments_are_parsed_by_the_type_of_their_field():
    config = parse(SscNetConfig, {"B": "6", "relu": "conv1,sum", "reverse": "true", "stride_at": "ssc1"})
    assert config == SscNetConfig(B=6, relu=(Step.CONV1, Step.SUM), reverse=True, stride_at=Step.SSC1)
    assert parse(ResNetConfig, {"reduction": "1.41", "mode": "block"}) == ResNetConfig(reduction=1.41, mode=Mode.BLOCK)
    assert parse(ResNetConfig, {"B": "3"}, ResNetConfig(classes=100)) == ResNetConfig(B=3, classes=100)


def test_a_configuration_survives_its_plain_form():
    config = SscNetConfig(B=2, relu=(Step.CONV1,), reverse=True)
    assert parse(SscNetConfig, to_dict(config)) == config
    assert set(map(type, to_dict(config).values())) == {int, list, str, bool}


@pytest.mark.parametrize(
    ("arch", "args", "sentence"),
    [
        ("ssc-net", {"B": "six"}, "'B' takes a whole number, not 'six'"),
        ("ssc-net", {"B": True}, "'B' takes a whole number, not True"),
        ("ssc-net", {"reverse": "perhaps"}, "'reverse' takes true or false"),
        ("ssc-net", {"relu": "conv1,conv9"}, "'relu' takes one of conv1, conv2, ssc1, .*not 'conv9'"),
        ("ssc-net", {"relu": 3}, "'relu' takes a list"),
        ("ssc-net", {"G": 10}, "multiple of k\\*k = 9"),
        ("ssc-net", {"k": 2}, "odd k, not 2"),
        ("ssc-net", {"B": 0}, "B of at least 1"),
        ("ssc-net", {"stride_at": "sum"}, "stride_at cannot be 'sum'"),
        ("shift-net", {"e": 0}, "e of at least 1"),
        ("resnet", {"reduction": "r"}, "'reduction' takes a number"),
        ("resnet", {"reduction": 0.5}, "reduction between 1 and 256"),
        ("resnet", {"reduction": 20, "mode": "block"}, "reduction between 1 and 16"),
        ("resnet", {"shortcut": "pad"}, "'shortcut' takes one of projection, zero-pad"),
        ("pre-resnet", {"stem": 0}, "stem of at least 1"),
        ("mobilenet-v2", {"width": 0}, "width between 0 and 16"),
        ("mobilenet-v2", {"form": "mnist"}, "'form' takes one of imagenet, cifar"),
        ("igcv2", {"C": 20}, "multiple of branch = 8, not 20"),
        ("igcv3", {"width": 0.01}, "width between 0.1 and 16"),
        ("densenet", {"L": 41}, r"L of 3 n \+ 4 .*not 41"),
        ("densenet", {"L": 43, "bottleneck": True}, r"L of 6 n \+ 4 .*not 43"),
        ("densenet", {"theta": 0.0}, "theta between 0 and 1"),
        ("swapout", {"last": 0.0}, "last between 0 and 1"),
        ("dfn-mr", {"B": 0}, "B of at least 1"),
        ("shufflenet", {"g": 5}, "g to be one of 1, 2, 3, 4, 8, not 5"),
        ("shufflenet", {"scale": 0.6}, "3 groups cannot be scaled by 0.6"),
        ("shufflenet", {"scale": 0.0}, "cannot be scaled by 0"),
        ("torchvision-resnet", {"depth": 20}, "depth of 18, 34, 50, 101, 152, not 20"),
    ],
)
def test_impossible_arguments_are_named(arch, args, sentence):
    with pytest.raises(NetworkError, match=sentence):
        nets.build(arch, **args)


def test_the_configured_relus_are_the_ones_that_stand():
    module = nets.build("ssc-net", relu=(Step.CONV1, Step.SUM)).body[0]
    assert [name for name, m in module.named_modules() if isinstance(m, torch.nn.ReLU)] == ["conv1.relu", "relu"]
    block = nets.build("shift-net", B=1, relu=ReluPlace.AFTER_SUM).body[0]
    assert [name for name, m in block.named_modules() if isinstance(m, torch.nn.ReLU)] == ["expand.relu", "relu"]


def test_the_stride_sits_where_it_was_configured():
    module = nets.build("ssc-net", stride_at="ssc2").body[1]
    strided = [n for n, m in module.named_modules() if isinstance(m, torch.nn.Conv2d) and m.stride == (2, 2)]
    assert strided == ["ssc2.conv", "shortcut.conv"]


def test_randomised_weights_follow_the_seed_and_every_convolution_matters():
    def logits(seed, silent=None):
        net = nets.build("ssc-net", classes=4).eval()
        nets.randomise(net, seed)
        if silent is not None:
            with torch.no_grad():
                net.get_submodule(silent).weight.zero_()
        with torch.no_grad():
            return net(torch.linspace(-1, 1, 3 * 16 * 16).reshape(1, 3, 16, 16))

    whole = logits(0)
    assert torch.equal(whole, logits(0))
    assert not torch.equal(whole, logits(1))
    for step in ("conv1", "conv2", "ssc1", "conv3", "ssc2", "merge"):
        assert (logits(0, f"body.0.{step}.conv") - whole).abs().max() > 1e-2 * whole.abs().max()


def test_a_network_of_ones_own_registers_itself():
    @dataclass(frozen=True)
    class TinyConfig:
        classes: int = 2

    class Tiny(nets.Network):
        arch = "tiny"
        config_type = TinyConfig
        title = "Tiny"
        input_shape = (1, 3, 8, 8)

        def __init__(self, config):
            super().__init__()
            self.config = config
            self.head = torch.nn.Linear(3, config.classes)

        @classmethod
        def infer(cls, shapes):
            return None

    from ssc_deploy.nets import registry

    nets.register(Tiny)
    try:
        assert nets.build("tiny", classes="5").head.out_features == 5
    finally:
        del registry._known["tiny"]
