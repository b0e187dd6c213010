"""Writes the schemas again: ``python -m ssc_deploy.schemas``."""

from __future__ import annotations

from ssc_deploy.schemas import generated

for _name in generated.FORMATS:
    generated.path(_name).write_text(generated.text(_name), encoding="utf-8")
