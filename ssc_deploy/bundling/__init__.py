"""Bundles: a folder or .zip with all that a device needs to run a network, and to check that it runs it correctly.

    model.json                  what it is (`manifest`), with the SHA-256 of every other file
    model.onnx, model.tflite    the network
    golden/                     at least 16 images: raw, as PNG, preprocessed, and what the network computes for them
    debug/                      if wanted: every block as an output, and its values for one image

The Android app reads the same files; ``ssc_deploy/schemas`` and ``tests/schemas`` compare both sides with them.
"""

from ssc_deploy.bundling.checking import check_bundle
from ssc_deploy.bundling.making import bundle
from ssc_deploy.bundling.report import BlocksCheck, BundleReport, ModelCheck

__all__ = ["BlocksCheck", "BundleReport", "ModelCheck", "bundle", "check_bundle"]
