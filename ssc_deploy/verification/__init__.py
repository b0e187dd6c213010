"""Compares an exported file, as a real runtime runs it, with the network it was made from.

It imports neither torch nor onnx. Only `torch_reference` and `onnx_reference` do.
"""

from ssc_deploy.verification.divergence import BlockCounts, BlockError, Divergence
from ssc_deploy.verification.file import verify_file
from ssc_deploy.verification.movement import MovementReport, MovementSite
from ssc_deploy.verification.reference import Reference
from ssc_deploy.verification.report import Count, VerifyReport
from ssc_deploy.verification.tolerance import Error, Tolerance

__all__ = [
    "BlockCounts",
    "BlockError",
    "Count",
    "Divergence",
    "Error",
    "MovementReport",
    "MovementSite",
    "Reference",
    "Tolerance",
    "VerifyReport",
    "verify_file",
]
