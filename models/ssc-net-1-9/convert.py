"""Converts the weights of an SSC-Net in foreign code to this project's names, and proves that the logits are the same.

    python models/ssc-net-1-9/convert.py NET.py CHECKPOINT

NET.py defines ``SSCNet``; its code is run. Writes ssc_1_9.pt beside this script and prints its SHA-256 for model.toml.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

import torch

from ssc_deploy import card, checkpoint, nets
from ssc_deploy.source import open_source

HERE = Path(__file__).parent

#: The foreign names of a module's parts, by ours.
STEPS = {
    "conv1": "mix",
    "conv2": "local1",
    "ssc1": "ssc1",
    "conv3": "part",
    "ssc2": "ssc2",
    "merge": "merge",
    "shortcut": "skip",
}
LAYERS = {"conv": "0", "bn": "1"}


def foreign_name(name: str) -> str:
    """``body.0.conv1.bn.weight`` -> ``body.0.mix.1.weight``."""
    parts = [LAYERS.get(part, part) for part in name.split(".")]
    if parts[0] == "body":
        parts[2] = STEPS[parts[2]]
    return ".".join(parts)


def converted(foreign: dict[str, torch.Tensor]) -> nets.Network:
    """Our SSC-Net-1-9 with the foreign weights; every foreign tensor is used exactly once."""
    net = nets.build("ssc-net", B=1, G=9).eval()
    renamed = {name: foreign[foreign_name(name)] for name in net.state_dict()}
    if len(renamed) != len(foreign) or {foreign_name(name) for name in renamed} != foreign.keys():
        raise SystemExit("the foreign network has other tensors than SSC-Net-1-9.")
    net.load_state_dict(renamed)
    return net


@torch.no_grad()
def prove_equal(ours: torch.nn.Module, foreign: torch.nn.Module) -> None:
    """Requires bit-equal logits on random pictures, in float32 and in float64."""
    for dtype in (torch.float32, torch.float64):
        pictures = torch.randn(16, 3, 32, 32, generator=torch.Generator().manual_seed(0)).to(dtype)
        if not torch.equal(ours.to(dtype)(pictures), foreign.to(dtype)(pictures)):
            raise SystemExit(f"the converted network's logits differ from the foreign ones in {dtype}.")
    ours.float()


def main() -> None:
    """Converts, proves, writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("net", type=Path, help="Python file that defines SSCNet")
    parser.add_argument("checkpoint", type=Path, help="its trained checkpoint")
    arguments = parser.parse_args()
    source = open_source(arguments.checkpoint, model=f"{arguments.net}:SSCNet", input_shape=(1, 3, 32, 32))
    if source.module is None:
        raise SystemExit(f"{arguments.checkpoint} is no PyTorch checkpoint.")
    ours = converted(dict(source.module.state_dict()))
    prove_equal(ours, source.module)
    described = card.read(HERE / card.FILE_NAME)
    path = HERE / described.checkpoint
    checkpoint.save(ours, path, labels=described.labels, preprocessing=described.preprocessing, overwrite=True)
    print(f"logits are bit-equal; {path.name}: sha256 = {hashlib.sha256(path.read_bytes()).hexdigest()!r}")


if __name__ == "__main__":
    main()
