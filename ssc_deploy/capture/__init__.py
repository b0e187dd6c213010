"""From a PyTorch module, or another exporter's file, to ONNX as captured: see `capturing`."""

from ssc_deploy.capture.capturing import Capture, capture, read_onnx

__all__ = ["Capture", "capture", "read_onnx"]
