"""What a network or a file consists of, what it costs, and what each stage of the pipeline makes of it."""

from ssc_deploy.inspection.inspecting import inspect
from ssc_deploy.inspection.report import Finding, Inspection, Layer, Stage, StageReport

__all__ = ["Finding", "Inspection", "Layer", "Stage", "StageReport", "inspect"]
