"""PyTorch networks, one architecture a file; each is built from a frozen configuration and registered by name."""

# Importing an architecture's module registers it: a new network is one file and one line here.
from ssc_deploy.nets import (
    densenet,
    dfn_mr,
    igcv2,
    igcv3,
    mobilenet_v2,
    pre_resnet,
    resnet,
    shift_net,
    shufflenet,
    ssc_net,
    swapout,
    torchvision_resnet,
)
from ssc_deploy.nets.registry import Network, build, configure, create, get, infer, names, register
from ssc_deploy.nets.sizes import NAMED, named, resolve
from ssc_deploy.nets.weights import randomise, settle

__all__ = [
    "NAMED",
    "Network",
    "build",
    "configure",
    "create",
    "densenet",
    "dfn_mr",
    "get",
    "igcv2",
    "igcv3",
    "infer",
    "mobilenet_v2",
    "named",
    "names",
    "pre_resnet",
    "randomise",
    "register",
    "resnet",
    "resolve",
    "settle",
    "shift_net",
    "shufflenet",
    "ssc_net",
    "swapout",
    "torchvision_resnet",
]
