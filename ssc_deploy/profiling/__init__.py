"""Measures exported models on devices, with one protocol: this host, boards over ssh, phones over adb.

A job (`job.py`) is a folder that is copied to a device (`targets/`). There the runner does it (`runner/`, copied as one
file that `runner_archive.py` builds). The result becomes statistics (`statistics.py`), sums for blocks and kinds of
work (`costs.py`), and sentences for the user (`results.py`).
"""

from __future__ import annotations

from ssc_deploy.profiling.results import Comparison, ModelProfile, Profile, load_profile
from ssc_deploy.profiling.run import profile

__all__ = ["Comparison", "ModelProfile", "Profile", "load_profile", "profile"]
