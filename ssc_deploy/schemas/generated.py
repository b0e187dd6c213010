"""Makes the schemas from the classes that read and write the files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ssc_deploy.bundling import manifest
from ssc_deploy.profiling import job
from ssc_deploy.profiling.runner import contract
from ssc_deploy.profiling.targets import app_contract
from ssc_deploy.storage import json_schema

_LENIENT = (
    "A program writes no other keys than these, and ignores others that it reads, so that a newer one may say more."
)

#: Of each schema: the class, the file, the version of its format, and what it is.
FORMATS: dict[str, tuple[type, str, int, str]] = {
    "model": (
        manifest.Manifest,
        manifest.FILE_NAME,
        manifest.SCHEMA_VERSION,
        "What a bundle says about itself: a network in files of one or two formats, with all that a device needs to "
        "run it and to check it. The readers check what a schema cannot say: one label for each output, and a hash for "
        "each file.",
    ),
    "job": (job.Job, contract.JOB_FILE, contract.JOB_VERSION, f"What a device is asked to measure. {_LENIENT}"),
    "result": (
        job.Result,
        contract.RESULT_FILE,
        contract.RESULT_VERSION,
        f"What a device measured. Times are whole nanoseconds of the monotonic clock. {_LENIENT}",
    ),
    "status": (
        app_contract.Status,
        app_contract.STATUS_FILE,
        app_contract.SCHEMA_VERSION,
        f"How far the demo app is with a job. {_LENIENT}",
    ),
}


def path(name: str) -> Path:
    """The file of a schema.

    Args:
        name: a key of `FORMATS`.
    """
    return Path(__file__).with_name(f"{name}.schema.json")


def text(name: str) -> str:
    """What belongs into that file."""
    schema: dict[str, Any] = json_schema.schema_of(*FORMATS[name])
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
