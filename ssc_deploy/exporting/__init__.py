"""All stages of the data: source -> capture -> rewrite -> lower -> emit -> verify.

Each stage is a folder of the same name. `stages` calls them, and `exporting` puts their results in place.
"""

from ssc_deploy.exporting.exporting import export
from ssc_deploy.exporting.formats import Format
from ssc_deploy.exporting.results import ExportedFile, ExportResult
from ssc_deploy.exporting.verifying import verify

__all__ = ["ExportResult", "ExportedFile", "Format", "export", "verify"]
