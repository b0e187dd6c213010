"""Canonical form -> a plan of the float32 engine in `ssc_deploy/native`: steps, tables and an arena.

`planning.plan` is all that other stages need. One function an ONNX operator stands in `operators`.
"""

from ssc_deploy.lower.native.planning import plan, refused
from ssc_deploy.native.plan import Plan

__all__ = ["Plan", "plan", "refused"]
