"""What an architecture is to the rest of the package, and the list of those that are known."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from torch import nn

from ssc_deploy.errors import NetworkError
from ssc_deploy.nets import config as configs

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

#: Shapes of a state dict's tensors by name.
Shapes = Mapping[str, tuple[int, ...]]


class Network(nn.Module, abc.ABC):
    """A network that is built from a configuration, and whose configuration can be read off its tensors.

    Attributes:
        arch: name in the registry, in checkpoints and after ``--arch``.
        config_type: the frozen dataclass it is built from.
        config: what this one was built from.
    """

    arch: ClassVar[str]
    config_type: ClassVar[type[DataclassInstance]]
    config: Any

    @property
    @abc.abstractmethod
    def title(self) -> str:
        """Display name, e.g. ``"SSC-Net-1-9"``."""

    @property
    def size(self) -> int:
        """Height and width of the images it was designed for: CIFAR's, which are ImageNet-32's as well."""
        return 32

    @property
    def input_shape(self) -> tuple[int, int, int, int]:
        """[1, C, H, W] of the images it was designed for; it takes other H and W, too."""
        return 1, self.config.in_channels, self.size, self.size

    @classmethod
    @abc.abstractmethod
    def infer(cls, shapes: Shapes) -> DataclassInstance | None:
        """The configuration that names and shapes of a state dict tell; None if they are not this network's.

        What no shape tells (where a ReLU stands, the order of a shift) is left at its default.
        """


N = TypeVar("N", bound=type[Network])
_known: dict[str, type[Network]] = {}


def register(network: N) -> N:
    """Class decorator: makes the network known under its ``arch``.

    Raises:
        ValueError: the name is taken (a mistake of a programmer, not of a user).
    """
    if network.arch in _known:
        raise ValueError(f"architecture {network.arch!r} is registered twice: {_known[network.arch]} and {network}")
    _known[network.arch] = network
    return network


def names() -> tuple[str, ...]:
    """Names of the known architectures, sorted."""
    return tuple(sorted(_known))


def get(arch: str) -> type[Network]:
    """The network class of that name.

    Raises:
        NetworkError: unknown; the known are listed.
    """
    if arch not in _known:
        near = configs.near(arch, _known)
        raise NetworkError(f"unknown architecture {arch!r}; {near}the known are {', '.join(names())}.")
    return _known[arch]


def configure(arch: str, args: Mapping[str, object], base: DataclassInstance | None = None) -> DataclassInstance:
    """The configuration of an architecture from named values (strings or typed), the others from ``base``.

    Raises:
        NetworkError: unknown architecture or argument, or a value that is impossible.
    """
    return configs.parse(get(arch).config_type, args, base)


def create(arch: str, config: DataclassInstance) -> Network:
    """The network of a configuration, with PyTorch's own random weights."""
    network: Any = get(arch)
    built: Network = network(config)
    return built


def build(arch: str, **args: object) -> Network:
    """The network of that name: ``build("ssc-net", B=6, G=9)``; values may be strings, as from a command line.

    Raises:
        NetworkError: unknown architecture or argument, or a value that is impossible.
    """
    return create(arch, configure(arch, args))


def infer(shapes: Shapes) -> tuple[str, DataclassInstance] | None:
    """Architecture and configuration that a state dict's names and shapes tell; None if they fit none."""
    # A tensor without elements may claim any size, and nobody trained one.
    if any(0 in shape for shape in shapes.values()):
        return None
    for arch in names():
        try:
            config = _known[arch].infer(shapes)
        except NetworkError:
            continue  # named like this network's tensors, of sizes that it cannot have
        if config is not None:
            return arch, config
    return None
