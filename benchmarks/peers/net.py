"""The networks that are compared: one set of weights, one set of pictures and one reference for every contender.

PyTorch is imported where it is used: the environments of mere runtimes have none.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import torch

_NAME = re.compile(r"(?P<net>[a-z0-9.-]+?)(@(?P<size>\d+))?(x(?P<batch>\d+))?")
_SSC_NET = re.compile(r"ssc-net-(?P<B>\d+)-(?P<G>\d+)")

#: Of the BatchNorm in front of a sum in SSC-Net. Random ones of about 1 make a network that enlarges every rounding:
#: its float32 differs from its float64 by 2e-3, and nothing could be told from an output.
_MERGE_SCALE = 0.3


@dataclass(frozen=True)
class Net:
    """A network and what it is given.

    Attributes:
        name: as on the command line, e.g. ``"ssc-net-6-9"``, or ``"ssc-net-1-9@64x4"`` for 64x64 pixels, four at once.
        arch: architecture of `ssc_deploy.nets`, or name in `shift_networks.NETWORKS`.
        args: of the architecture.
        size: height and width of the pictures.
        batch: pictures at a time.
    """

    name: str
    arch: str
    args: Mapping[str, Any]
    size: int = 32
    batch: int = 1

    @classmethod
    def parse(cls, name: str) -> Net:
        """The network of a name: of `nets.NAMED`, of `shift_networks.NETWORKS`, or SSC-Net of any B and G.

        Raises:
            ValueError: the name is none of these.
        """
        from benchmarks.shift_networks import NETWORKS
        from ssc_deploy import nets

        match = _NAME.fullmatch(name)
        if match is None:
            raise ValueError(f"{name!r} is not NET[@SIZE][xBATCH], as in ssc-net-6-9@64x4")
        if match["net"] in NETWORKS:
            _, usual, together = NETWORKS[match["net"]]
            return cls(name, match["net"], {}, int(match["size"] or usual), int(match["batch"] or together))
        net, size, batch = match["net"], int(match["size"] or 32), int(match["batch"] or 1)
        any_ssc_net = _SSC_NET.fullmatch(net)
        if any_ssc_net is not None:
            arch, args = "ssc-net", {key: int(value) for key, value in any_ssc_net.groupdict().items()}
        elif net in nets.NAMED:
            arch, args = nets.NAMED[net][0], dict(nets.NAMED[net][1])
        else:
            known = ", ".join((*nets.NAMED, *NETWORKS))
            raise ValueError(f"there is no network {net!r}; the known are ssc-net-B-G and {known}")
        if arch == "mobilenet-v2" and size >= 224:
            args["form"] = "imagenet"
        return cls(name, arch, {**args, "classes": 10}, size, batch)

    @property
    def input_shape(self) -> tuple[int, int, int, int]:
        """[N, C, H, W]."""
        return self.batch, 3, self.size, self.size

    def to_dict(self) -> dict[str, Any]:
        """What a worker is sent."""
        return asdict(self)


@dataclass(frozen=True)
class Product:
    """The matrix product that a layer amounts to: [rows, inner] x [inner, columns].

    A grouped convolution is counted as one product of as many multiplications, with one group's inner length.
    """

    layer: str
    rows: int
    inner: int
    columns: int

    @property
    def macs(self) -> int:
        """Multiplications with addition."""
        return self.rows * self.inner * self.columns


def _built(net: Net) -> torch.nn.Module:
    """The network in eval mode with new weights."""
    from benchmarks.shift_networks import NETWORKS
    from ssc_deploy import nets

    return NETWORKS[net.arch][0]() if net.arch in NETWORKS else nets.build(net.arch, **net.args).eval()


def random_network(net: Net) -> torch.nn.Module:
    """The network in eval mode with seeded weights under which rounding stays small."""
    import torch

    from benchmarks.shift_networks import NETWORKS
    from ssc_deploy import nets

    module = _built(net)
    nets.randomise(module)
    if net.arch in NETWORKS:
        nets.settle(module, torch.from_numpy(inputs(net, 8)))
    if net.arch == "ssc-net":
        with torch.no_grad():
            for name, parameter in module.named_parameters():
                if name.endswith("merge.bn.weight"):
                    parameter.mul_(_MERGE_SCALE)
    return module


def has_shifts(net: Net) -> bool:
    """Whether there is a shift, which may be written in several ways."""
    from ssc_deploy.nets.movement import Shift

    return any(isinstance(module, Shift) for module in _built(net).modules())


def network(net: Net, weights: Path, shift: str = "one-hot") -> torch.nn.Module:
    """The network with stored weights, its shifts written as asked; runs in every contender's environment."""
    import torch

    from benchmarks import networks

    module = _built(net)
    module.load_state_dict(torch.load(weights, weights_only=True))
    networks.respell(module, shift)
    return module


def fingerprint(module: torch.nn.Module) -> str:
    """Of all weights, hexadecimal."""
    digest = hashlib.sha256()
    for name, tensor in module.state_dict().items():
        digest.update(name.encode() + tensor.numpy().tobytes())
    return digest.hexdigest()[:16]


def inputs(net: Net, pictures: int = 16) -> np.ndarray:
    """Seeded normal values [pictures or more, 3, H, W] float32, a whole number of batches."""
    count = -(-pictures // net.batch) * net.batch
    return np.random.default_rng(0).standard_normal((count, *net.input_shape[1:]), np.float32)


def products(net: Net, module: torch.nn.Module) -> list[Product]:
    """Of all convolutions and linear layers, in the order in which they run; shifts move data and are none."""
    import torch

    found: list[Product] = []

    def note(name: str):
        def hook(layer: torch.nn.Module, _inputs: Any, output: torch.Tensor) -> None:
            weight = layer.weight
            columns = output.shape[0] * (output[0, 0].numel() if output.dim() == 4 else 1)
            found.append(Product(name, weight.shape[0], weight[0].numel(), columns))

        return hook

    layers = [(n, m) for n, m in module.named_modules() if isinstance(m, (torch.nn.Conv2d, torch.nn.Linear))]
    handles = [layer.register_forward_hook(note(name)) for name, layer in layers]
    with torch.inference_mode():
        module(torch.zeros(net.input_shape))
    for handle in handles:
        handle.remove()
    return found
