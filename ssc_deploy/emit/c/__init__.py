"""Writes a plan as a package of C sources, with the engine and the same plan as data; see `native.package`."""

from ssc_deploy.emit.c.files import build

__all__ = ["build"]
