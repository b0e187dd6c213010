"""What litert-torch alone does: a conversion of MobileNetV2 with 5.4 M parameters, as `export_cost` measures it.

PYTHON_OF_ITS_ENVIRONMENT -m benchmarks.litert_torch_export FILE.tflite
"""

from __future__ import annotations

import sys

import litert_torch
import torch

from benchmarks.networks import large_mobilenet


def main() -> None:
    """Converts once; verifies nothing."""
    litert_torch.convert(large_mobilenet(), (torch.zeros(1, 3, 224, 224),)).export(sys.argv[1])


if __name__ == "__main__":
    main()
