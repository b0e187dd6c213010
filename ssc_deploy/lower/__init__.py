"""From the canonical graph to the graph of one runtime: see `lowering`."""

from ssc_deploy.lower.layout import Layout, Runtime
from ssc_deploy.lower.lowering import Lowered, lower, movements, sites
from ssc_deploy.lower.options import LoweringOptions
from ssc_deploy.lower.registries import DENSE, GROUPED, SHIFTS, SHUFFLES, default, lowerings_of
from ssc_deploy.lower.report import Choice, LowerReport
from ssc_deploy.lower.target import Target

__all__ = [
    "DENSE",
    "GROUPED",
    "SHIFTS",
    "SHUFFLES",
    "Choice",
    "Layout",
    "LowerReport",
    "Lowered",
    "LoweringOptions",
    "Runtime",
    "Target",
    "default",
    "lower",
    "lowerings_of",
    "movements",
    "sites",
]
