"""What the user named, in the one form that the pipeline starts from."""

from ssc_deploy.source.opening import Source, open_source

__all__ = ["Source", "open_source"]
