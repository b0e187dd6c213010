"""onnxruntime.quantization: static, QDQ, uint8 values, int8 kernels with a scale for each channel, as it advises."""

from __future__ import annotations

import sys

import numpy as np
from onnxruntime import quantization

#: Its calibrators of histograms hold the values of all images in memory at once.
IMAGES_OF_HISTOGRAMS = 64

METHODS = {
    "min-max": quantization.CalibrationMethod.MinMax,
    "min-max-7-bits": quantization.CalibrationMethod.MinMax,
    "percentile": quantization.CalibrationMethod.Percentile,
    "entropy": quantization.CalibrationMethod.Entropy,
}


class _Images(quantization.CalibrationDataReader):
    def __init__(self, images: np.ndarray, name: str) -> None:
        self._left = iter([{name: image[None]} for image in images])

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self._left, None)


def main(given: str, images: str, written: str, variant: str) -> None:
    """Quantises a file."""
    import onnx

    method, inputs = METHODS[variant], np.load(images)
    if method is not quantization.CalibrationMethod.MinMax:
        inputs = inputs[:IMAGES_OF_HISTOGRAMS]
    name = onnx.load(given).graph.input[0].name
    quantization.quantize_static(
        given,
        written,
        _Images(inputs, name),
        quant_format=quantization.QuantFormat.QDQ,
        per_channel=True,
        activation_type=quantization.QuantType.QUInt8,
        weight_type=quantization.QuantType.QInt8,
        calibrate_method=method,
        reduce_range=variant.endswith("7-bits"),
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
