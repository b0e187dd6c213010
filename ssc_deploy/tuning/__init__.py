"""Finds the fastest graph of a network on a device, by measuring it there.

A graph is a choice of lowering for each group of alike sites (`space.py`). Files of several choices take turns on
the device (`bench.py`), every measurement is kept (`cache.py`), and a coordinate descent goes from choice to better
choice (`search.py`). `run.py` puts them together; the result is a `ssc_deploy.recipe.Recipe`.
"""

from __future__ import annotations

from ssc_deploy.tuning.run import TuneResult, tune

__all__ = ["TuneResult", "tune"]
