"""Measures exported models where they run: one protocol for this host, boards over ssh, phones over adb.

A job (`job.py`) is a folder that is taken to a device (`targets/`); there the runner does it (`runner/`, copied as one
file that `runner_archive.py` builds). What comes back becomes figures (`statistics.py`), is summed by block and kind of
work (`costs.py`), and is told (`results.py`).
"""

from __future__ import annotations

from ssc_deploy.profiling.results import Comparison, ModelProfile, Profile, load_profile
from ssc_deploy.profiling.run import profile

__all__ = ["Comparison", "ModelProfile", "Profile", "load_profile", "profile"]
