"""Anyone's checkpoint file into tensors by name, safely: nothing that a file contains is ever run.

container -> (unpickle | safetensors) -> entries (the dicts of tensors in it) -> candidates (what of them a module could
be loaded with) -> choice (raw or averaged) -> loading.
"""

from ssc_deploy.checkpoint.header import Header
from ssc_deploy.checkpoint.loading import Loaded, load_into, load_tensors
from ssc_deploy.checkpoint.reader import Checkpoint, read
from ssc_deploy.checkpoint.writer import save

__all__ = ["Checkpoint", "Header", "Loaded", "load_into", "load_tensors", "read", "save"]
