"""Anyone's checkpoint file into tensors by name, safely: nothing that a file contains is ever run.

container -> (unpickle | safetensors) -> entries (which of the file's dicts is the network) -> fit (into a module).
"""

from ssc_deploy.checkpoint.fit import fit, load_into
from ssc_deploy.checkpoint.header import Header
from ssc_deploy.checkpoint.reader import Checkpoint, read
from ssc_deploy.checkpoint.writer import save

__all__ = ["Checkpoint", "Header", "fit", "load_into", "read", "save"]
