"""From ONNX as written to canonical ONNX: see `rewriting`."""

from ssc_deploy.rewrite.report import Refusal, RewriteReport
from ssc_deploy.rewrite.rewriting import rewrite, rules

__all__ = ["Refusal", "RewriteReport", "rewrite", "rules"]
