"""What ends a job, or the measurement of one model."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .contract import FailureKind
    from .formats import Failure


class JobError(Exception):
    """The job as a whole cannot be done; its text is a sentence for the user."""


class ResultError(Exception):
    """The result cannot be written; its text is a sentence for the user."""


class ModelError(Exception):
    """One model cannot be measured.

    Args:
        kind: what is wrong.
        message: a sentence for the user.
    """

    def __init__(self, kind: FailureKind, message: str) -> None:
        super().__init__(message)
        self.kind = kind

    def to_dict(self) -> Failure:
        """As the result has it."""
        return {"kind": self.kind.value, "message": str(self)}


def first_line(error: BaseException) -> str:
    """The first line of an error's message, without its full stop; its class where it has none."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].strip().rstrip(".")[:300]
