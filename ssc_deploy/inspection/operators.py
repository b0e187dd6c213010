"""Which operators of the ONNX standard each format takes, read from the tables of the code that writes them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ssc_deploy import extras
from ssc_deploy.metadata import SCHEMA_VERSION

if TYPE_CHECKING:
    from collections.abc import Iterable

    from onnx import defs

#: Operators whose output has as many values as the image decides. The standard says it in words only.
_SIZED_BY_VALUES = frozenset(["Compress", "NonMaxSuppression", "NonZero", "Unique"])

#: Operators that draw random numbers.
_RANDOM = frozenset(["Bernoulli", "Multinomial", "RandomNormalLike", "RandomUniformLike"])


@dataclass(frozen=True)
class Operator:
    """One operator of the ONNX standard.

    Attributes:
        name: its type, e.g. ``"Conv"``.
        refusal: why no file can hold it, as the rest of a sentence about it; None where files can. An operator whose
            inputs are constants is computed during the export, so it is never refused.
        opset: the first opset in which an ``.onnx`` file can hold it; None if it is refused.
        formula: whether an ``.onnx`` file of an older opset holds a formula of other operators in its place.
        tflite: what a ``.tflite`` file holds in its place; None if it cannot be written there.
    """

    name: str
    refusal: str | None
    opset: int | None
    formula: bool
    tflite: str | None


@dataclass(frozen=True)
class Operators:
    """What each format takes.

    Attributes:
        first_opset: the oldest opset that can be written.
        last_opset: the newest.
        default_opset: what is written where the user does not choose.
        operators: by name.
    """

    first_opset: int
    last_opset: int
    default_opset: int
    operators: tuple[Operator, ...]

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON."""
        return {"schema_version": SCHEMA_VERSION, **asdict(self)}

    def onnx(self, operator: Operator) -> str:
        """What an ``.onnx`` file takes of an operator, in a few words."""
        if operator.refusal is not None:
            return f"no: {operator.refusal}"
        if operator.opset == self.first_opset:
            return "yes"
        return f"from opset {operator.opset}" + (", before it as a formula" if operator.formula else "")


def operators() -> Operators:
    """All operators of the newest opset that can be written, as far as they can depend on an image.

    Raises:
        MissingPackageError: the packages of the extra ``export`` are not installed.
    """
    extras.require("export")

    from ssc_deploy.emit.onnx import DEFAULT_OPSET, OPSETS
    from ssc_deploy.emit.onnx_substitutes import SUBSTITUTES
    from ssc_deploy.emit.tflite.operators import OPERATORS
    from ssc_deploy.ir.specification import schema_of

    found = []
    for schema in _standard(OPSETS[-1]):
        refusal = _refusal(schema)
        opset = None if refusal else min(opset for opset in OPSETS if schema_of(schema.name, opset))
        function = None if refusal else OPERATORS.get(schema.name)
        tflite = None if function is None else OPERATORS.summary(schema.name)
        found.append(Operator(schema.name, refusal, opset, schema.name in SUBSTITUTES, tflite))
    return Operators(OPSETS[0], OPSETS[-1], DEFAULT_OPSET, tuple(found))


def _standard(opset: int) -> Iterable[defs.OpSchema]:
    from onnx import defs

    from ssc_deploy.ir.specification import schema_of

    for name in sorted({schema.name for schema in defs.get_all_schemas_with_history() if schema.domain == ""}):
        schema = schema_of(name, opset)
        if schema is not None and any(_numbers(formal.types) for formal in schema.inputs):
            yield schema


def _numbers(types: Iterable[str]) -> bool:
    """Whether a value may be anything else than text."""
    return any("string" not in kind for kind in types)


def _refusal(schema: defs.OpSchema) -> str | None:
    from ssc_deploy.capture import supported

    reason = supported.refusal_of_operator(schema)
    if reason is not None:
        return reason.partition(":")[0].partition(";")[0]
    if schema.name in _SIZED_BY_VALUES:
        return "returns a tensor whose size depends on the image"
    if schema.name in _RANDOM:
        return "draws random numbers, so that nothing can be compared with the network"
    return None
