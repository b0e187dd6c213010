"""What a contender is: a module of `benchmarks.peers.contenders` with a `CONTENDER`, a ``convert`` and a ``load``.

    CONTENDER = Contender(...)
    def convert(job: Job) -> Path: ...          # writes a file or folder below job.folder
    def load(path: Path, net: Net) -> Loaded: ...

Both functions run in the contender's own environment, in processes of their own; what they import stands inside them.
"""

from __future__ import annotations

import enum
import importlib
import pkgutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import numpy as np

    from benchmarks.peers.net import Net

#: The ways to write a shift that a user of a converter may think of.
DEPTHWISE = {"one-hot depthwise": {"shift": "one-hot"}}
CONCATENATED = {"concatenated slices": {"shift": "joined"}}
SLICES = {"stacked slices": {"shift": "stacked"}, **CONCATENATED}


class Kind(enum.StrEnum):
    """What a contender stands for."""

    OURS = "ours"
    PEER = "peer"
    LIMIT = "limit"  #: the same multiplications as bare matrix products; computes nothing of the network


@dataclass(frozen=True)
class Contender:
    """What the host must know of a contender.

    Attributes:
        title: for people, e.g. ``"ncnn"``.
        kind: ours, a peer or the limit.
        environment: key of `environments.ENVIRONMENTS`.
        packages: whose versions a result names.
        variants: options of ``convert`` by name. ``shift`` is how the network's shifts are written (`networks.SHIFTS`);
            a network without shifts is converted once.
        converted_from: contender from whose file of the same variant ``convert`` starts, where not from PyTorch.
        converted_by: contender whose files it runs; then it has no ``convert`` of its own.
        large: whether its environment takes gigabytes; then it runs only where it is named.
    """

    title: str
    kind: Kind
    environment: str
    packages: tuple[str, ...]
    variants: Mapping[str, Mapping[str, str]]
    converted_from: str | None = None
    converted_by: str | None = None
    large: bool = False


@dataclass(frozen=True)
class Job:
    """A conversion.

    Attributes:
        net: what is converted.
        weights: state dict of the network.
        options: of the variant.
        folder: empty, for everything that the conversion writes.
        source: the file to start from, where the contender has a ``converted_from``.
    """

    net: Net
    weights: Path
    options: Mapping[str, str]
    folder: Path
    source: Path | None = None


@dataclass(frozen=True)
class Loaded:
    """A model that is ready to run.

    Attributes:
        run: one inference of what ``prepare`` returned; this alone is timed.
        prepare: a batch [N, 3, H, W] float32 in the layout and the type that ``run`` takes.
        notes: what is worth knowing of the file as loaded, e.g. its delegate partitions.
    """

    run: Callable[[Any], Any]
    prepare: Callable[[np.ndarray], Any] = lambda x: x
    notes: Mapping[str, Any] = field(default_factory=dict)


class Module(Protocol):
    """What a file of `benchmarks.peers.contenders` holds."""

    CONTENDER: Contender

    def convert(self, job: Job) -> Path:
        """Converts; returns what ``load`` takes."""

    def load(self, path: Path, net: Net) -> Loaded:
        """Loads what ``convert`` returned, for one thread."""


def module(name: str) -> Module:
    """The contender of that name.

    Raises:
        ModuleNotFoundError: there is none.
    """
    return importlib.import_module(f"benchmarks.peers.contenders.{name}")  # type: ignore[return-value]


def names() -> list[str]:
    """Of all contenders, ours first and the limit last."""
    from benchmarks.peers import contenders

    found = [info.name for info in pkgutil.iter_modules(contenders.__path__)]
    return sorted(found, key=lambda name: (list(Kind).index(module(name).CONTENDER.kind), name))
