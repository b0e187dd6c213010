"""A job's folder."""

from __future__ import annotations

from pathlib import Path


def runner_path() -> Path:
    """The runner, as it is copied to devices."""
    return Path(__file__).with_name("runner.py")
