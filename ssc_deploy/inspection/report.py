"""The result of an inspection."""

from __future__ import annotations

import enum
from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ssc_deploy.metadata import SCHEMA_VERSION

if TYPE_CHECKING:
    from ssc_deploy.metadata import ModelMetadata
    from ssc_deploy.quantize.planning import QuantizeReport
    from ssc_deploy.quantize.sensitivity import Sensitivity


class Stage(enum.StrEnum):
    """Where on its way a network is looked at."""

    FILE = "file"  #: an .onnx or .tflite file as it is
    CHECKPOINT = "checkpoint"  #: the PyTorch network with its weights
    CAPTURE = "capture"  #: ONNX as written
    REWRITE = "rewrite"  #: canonical ONNX
    LOWER = "lower"  #: a target's graph


@dataclass(frozen=True)
class Layer:
    """One step of the network: a PyTorch module at `Stage.CHECKPOINT`, an operator elsewhere.

    Attributes:
        block: path of the PyTorch module that it belongs to; what the file calls it where that is not known.
        name: of its output.
        operator: in the language of the stage: ``"Conv2d"``, ``"Conv"``, ``"CONV_2D"``.
        detail: what distinguishes it, e.g. ``"3x3 g9 /2"``: kernel, groups, stride.
        role: ``"shift"``, ``"shuffle"``, ``"group pointwise"``, or None.
        shape: of its output in the layout of the stage; None if it is not known.
        parameters: numbers in its weights; weights of several layers count at the first.
        macs: multiply-accumulates for one image, of convolutions and matrix products only; a movement has none,
            however it is carried out. None if a shape is not known.
        moved_bytes: bytes that it writes without computing anything, for one image.
        traffic_bytes: bytes of its inputs, weights and outputs, each once, of a file or a graph, at its batch size; of
            what only moves data twice what it writes, of what only sees it in another shape none.
    """

    block: str
    name: str
    operator: str
    detail: str
    role: str | None
    shape: tuple[int, ...] | None
    parameters: int
    macs: int | None
    moved_bytes: int
    traffic_bytes: int = 0


@dataclass(frozen=True)
class Finding:
    """Something that a stage recognised or refused.

    Attributes:
        block: path of the module that it was found in, empty for the network itself; None if it is of none.
        what: that it is, or that it looked like.
        detail: how it is spelled or carried out; of a refusal the reason.
    """

    block: str | None
    what: str
    detail: str


@dataclass(frozen=True)
class StageReport:
    """What one stage did.

    Attributes:
        stage: which.
        summary: in a line.
        recognised: in the order of the network.
        refused: likewise, with the reason.
    """

    stage: Stage
    summary: str
    recognised: tuple[Finding, ...] = ()
    refused: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Inspection:
    """What there is to know about a network at one stage.

    Attributes:
        name: of the network.
        file: that was looked at; None for random weights.
        stage: that ``layers`` show.
        target: that it was lowered for, at `Stage.LOWER`.
        parameters: of the network as trained (before BatchNorm is folded); of a file all its weights.
        layers: in the order of execution.
        stages: that were gone through, ``stage`` the last.
        metadata: that a file carries.
        delegates: partitions that LiteRT hands to XNNPACK, of a ``.tflite`` file: 1 is best.
        whole_in_delegate: whether XNNPACK runs all of a ``.tflite`` file, as one partition.
        quantization: how the network was quantised, where that was asked for.
        sensitivity: what each block costs when it alone is quantised, likewise.
    """

    name: str
    file: str | None
    stage: Stage
    target: str | None
    parameters: int
    layers: tuple[Layer, ...]
    stages: tuple[StageReport, ...]
    metadata: ModelMetadata | None = None
    delegates: int | None = None
    whole_in_delegate: bool | None = None
    quantization: QuantizeReport | None = None
    sensitivity: Sensitivity | None = None

    @property
    def macs(self) -> int:
        """Multiply-accumulates for one image, of the layers whose number is known."""
        return sum(layer.macs or 0 for layer in self.layers)

    @property
    def moved_bytes(self) -> int:
        """Bytes that are moved for one image."""
        return sum(layer.moved_bytes for layer in self.layers)

    @property
    def operators(self) -> dict[str, int]:
        """How often each operator occurs, the most frequent first."""
        return dict(Counter(layer.operator for layer in self.layers).most_common())

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON."""
        return {
            "schema_version": SCHEMA_VERSION,
            **asdict(self),
            "quantization": self.quantization.to_dict() if self.quantization else None,
            "sensitivity": self.sensitivity.to_dict() if self.sensitivity else None,
            "macs": self.macs,
            "moved_bytes": self.moved_bytes,
            "operators": self.operators,
        }
