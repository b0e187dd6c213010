"""Bundles: a folder or .zip with all that a device needs to run a network, and to prove that it runs it right.

    model.json                  what it is (`manifest`), with the SHA-256 of every other file
    model.onnx, model.tflite    the network
    golden/                     at least 16 images: raw, as PNG, preprocessed, and what the network computes for them
    debug/                      where asked for: every block as an output, and its values for one image

The Android app reads the same files; ``ssc_deploy/schemas`` and ``tests/schemas`` hold both sides to them.
"""

from ssc_deploy.bundling.checking import check_bundle
from ssc_deploy.bundling.making import bundle
from ssc_deploy.bundling.report import BlocksCheck, BundleReport, ModelCheck

__all__ = ["BlocksCheck", "BundleReport", "ModelCheck", "bundle", "check_bundle"]
