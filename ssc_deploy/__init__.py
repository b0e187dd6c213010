"""ssc-deploy: trained shift-based convolutional networks, verified on phones and ARM boards.

    import ssc_deploy

    result = ssc_deploy.export("models/ssc-net-1-9/ssc_1_9.pt", to="tflite")
    model = ssc_deploy.load_model(result.files[0].path)
    print(model.predict("cat.png"))

Names are imported when they are first used: running an exported model imports neither torch nor onnxscript.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ssc_deploy.bundling import BundleReport, bundle, check_bundle
    from ssc_deploy.errors import SscDeployError, VerificationError
    from ssc_deploy.evaluation import evaluate
    from ssc_deploy.exporting import export, verify
    from ssc_deploy.exporting.results import ExportedFile, ExportResult
    from ssc_deploy.inspection import Inspection, inspect
    from ssc_deploy.metadata import Preprocessing
    from ssc_deploy.predict import Model, Prediction, load_model, run
    from ssc_deploy.profiling import Profile, load_profile, profile
    from ssc_deploy.profiling.comparing import compare
    from ssc_deploy.profiling.devices import devices
    from ssc_deploy.quantize.plan import Quantization
    from ssc_deploy.training.named import train
    from ssc_deploy.tuning import TuneResult, tune
    from ssc_deploy.verification import VerifyReport
    from ssc_deploy.zoo import models

#: Where each public name is defined.
_HOMES = {
    "BundleReport": "bundling",
    "ExportResult": "exporting",
    "ExportedFile": "exporting",
    "Inspection": "inspection",
    "Model": "predict",
    "Prediction": "predict",
    "Preprocessing": "metadata",
    "Profile": "profiling",
    "Quantization": "quantize.plan",
    "SscDeployError": "errors",
    "TuneResult": "tuning",
    "VerificationError": "errors",
    "VerifyReport": "verification",
    "bundle": "bundling",
    "compare": "profiling.comparing",
    "devices": "profiling.devices",
    "evaluate": "evaluation",
    "load_profile": "profiling",
    "models": "zoo",
    "train": "training.named",
    "check_bundle": "bundling",
    "export": "exporting",
    "inspect": "inspection",
    "load_model": "predict",
    "profile": "profiling",
    "run": "predict",
    "tune": "tuning",
    "verify": "exporting",
}

__all__ = [
    "BundleReport",
    "ExportResult",
    "ExportedFile",
    "Inspection",
    "Model",
    "Prediction",
    "Preprocessing",
    "Profile",
    "Quantization",
    "SscDeployError",
    "TuneResult",
    "VerificationError",
    "VerifyReport",
    "bundle",
    "check_bundle",
    "compare",
    "devices",
    "evaluate",
    "export",
    "inspect",
    "load_model",
    "load_profile",
    "models",
    "profile",
    "run",
    "train",
    "tune",
    "verify",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("ssc-deploy")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(importlib.import_module(f"ssc_deploy.{_HOMES[name]}"), name)
    except ModuleNotFoundError as error:
        from ssc_deploy import extras
        from ssc_deploy.errors import MissingPackageError

        missing = extras.explained(error)
        if missing is None:
            raise
        raise MissingPackageError(missing) from error


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, "__version__"})
