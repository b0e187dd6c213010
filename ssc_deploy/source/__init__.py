"""What the user pointed at, whatever it is, as one thing that the pipeline starts from."""

from ssc_deploy.source.opening import Source, open_source

__all__ = ["Source", "open_source"]
