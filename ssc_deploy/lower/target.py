"""The runtimes that a graph is lowered for."""

from __future__ import annotations

import enum


class Target(enum.StrEnum):
    """What will run the lowered graph; it decides which forms of a movement are fast, and which can be written."""

    ONNXRUNTIME = "onnxruntime"  #: feature maps stay NCHW; views of any rank are free
    NATIVE = "native"  #: the C engine; a movement is other addresses, whose plan `lower.native` makes
    LITERT = "litert"  #: feature maps become NHWC; only rank-4 forms that survive that are used


#: Why the C engine takes no quantised network.
FLOAT32_ALONE = "the C engine computes in float32; leave `quantize` out, or export to onnx or tflite"
