"""Joining tensors along an axis in the way that a target takes, and cutting one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssc_deploy.ir import known
from ssc_deploy.lower.target import Target

if TYPE_CHECKING:
    from collections.abc import Sequence

    import onnx_ir as ir

    from ssc_deploy.lower.site import Site

# XNNPACK takes concatenations of up to four tensors in every version of the delegate; larger ones leave it.
_LITERT_FAN_IN = 4


def join(site: Site, pieces: Sequence[ir.Value], *, axis: int, label: str) -> ir.Value:
    """Joins tensors of static size along ``axis``, in their order; one alone stays as it is."""
    row, level = list(pieces), 0
    fan_in = _LITERT_FAN_IN if site.target is Target.LITERT else len(row)
    while len(row) > 1:
        joined = []
        for i in range(0, len(row), fan_in):
            some = row[i : i + fan_in]
            joined.append(some[0] if len(some) == 1 else site.concat(some, axis, label=f"{label}_{level}_{i}"))
        row, level = joined, level + 1
    return row[0]


def cut(site: Site, value: ir.Value, span: range, *, axis: int, label: str) -> ir.Value:
    """The numbers of ``span`` along ``axis``; the value itself where that is all of it."""
    if span == range(known.size(value, axis)):
        return value
    bounds = [
        site.integers(f"{label}_{name}", n) for name, n in (("starts", span.start), ("ends", span.stop), ("axes", axis))
    ]
    shape = list(known.dims(value))
    shape[axis] = len(span)
    return site.op("Slice", [value, *bounds], label=label, shape=shape)
