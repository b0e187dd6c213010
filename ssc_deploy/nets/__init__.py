"""PyTorch networks, one architecture a file; each is built from a frozen configuration and registered by name."""

# Importing an architecture's module registers it: a new network is one file and one line here.
from ssc_deploy.nets import resnet, shift_net, ssc_net
from ssc_deploy.nets.registry import Network, build, configure, create, get, infer, names, randomise, register

__all__ = [
    "Network",
    "build",
    "configure",
    "create",
    "get",
    "infer",
    "names",
    "randomise",
    "register",
    "resnet",
    "shift_net",
    "ssc_net",
]
