"""Names the operators that a format cannot hold, where each comes from, and what is wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssc_deploy.capture.user_line import line_of
from ssc_deploy.errors import UnsupportedOperatorError
from ssc_deploy.ir import roles

if TYPE_CHECKING:
    from collections.abc import Sequence

    import onnx_ir as ir

#: The way out that every network has.
_WAY_OUT = "Write them otherwise in the network, or export to onnx, which takes every operator of ONNX"


class RefusedError(UnsupportedOperatorError):
    """One operator that cannot be written.

    Attributes:
        node: it.
        reason: completes "... cannot write X: ".
        writer: what cannot write it.
        sentence: that says all this.
    """

    def __init__(self, node: ir.Node, reason: str, writer: str, sentence: str) -> None:
        super().__init__(sentence)
        self.node, self.reason, self.writer = node, reason, writer


def of_all(refused: Sequence[RefusedError]) -> UnsupportedOperatorError:
    """One error about all operators that cannot be written; those of one kind and reason in one sentence.

    Args:
        refused: at least one.
    """
    if len(refused) == 1:
        return UnsupportedOperatorError(f"{refused[0]} {_WAY_OUT.replace('them', 'it')}.")
    alike: dict[tuple[str, str], list[str]] = {}
    for one in refused:
        alike.setdefault((one.node.op_type, one.reason), []).append(where(one.node))
    sentences = [f"{', '.join(places)}: {reason}" for (_, reason), places in alike.items()]
    listed = "".join(f"\n- {sentence}." for sentence in sentences)
    return UnsupportedOperatorError(f"{refused[0].writer} cannot write {len(refused)} operators:{listed}\n{_WAY_OUT}.")


def where(node: ir.Node) -> str:
    """The node in words, with the line of the user's code that it comes from."""
    return f"{roles.where(node)}{line_of(node)}"
