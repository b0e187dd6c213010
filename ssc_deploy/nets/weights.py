"""Random weights for untrained networks, with which an error anywhere is visible in the logits."""

from __future__ import annotations

import torch
from torch import nn

from ssc_deploy.errors import NetworkError


def randomise(module: nn.Module, seed: int = 0) -> None:
    """Gives the module seeded weights and BatchNorm statistics under which every layer matters to the output.

    PyTorch's own start leaves BatchNorm an identity and lets a long residual branch fade to nothing, so that a
    mistake inside it would hardly show in the logits.
    """
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for layer in module.modules():
            if isinstance(layer, (nn.Conv2d, nn.Linear)):
                fan_in = layer.weight[0].numel()
                layer.weight.normal_(0, (2 / fan_in) ** 0.5, generator=generator)
                if layer.bias is not None:
                    layer.bias.normal_(0, 0.1, generator=generator)
            elif isinstance(layer, nn.BatchNorm2d):
                layer.weight.uniform_(0.5, 1.0, generator=generator)
                layer.bias.normal_(0, 0.1, generator=generator)
                if layer.running_mean is not None and layer.running_var is not None:
                    layer.running_mean.normal_(0, 0.2, generator=generator)
                    layer.running_var.uniform_(0.5, 1.5, generator=generator)


def settle(module: nn.Module, images: torch.Tensor) -> None:
    """Gives every BatchNorm the statistics that it has on these images, as training would; ends in eval mode.

    Under them an untrained network tells images apart, and is as well-conditioned as a trained one: with random
    statistics a deep SSC-Net is chaotic (its float32 is 2e-3 away from its float64).

    Args:
        module: its statistics are replaced.
        images: float32 [N, C, H, W], N > 1, preprocessed.

    Raises:
        NetworkError: the statistics are not finite.
    """
    norms = [layer for layer in module.modules() if isinstance(layer, nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        # The mean over all batches, so that one batch decides alone.
        norm.reset_running_stats()
        norm.momentum = None
    # Networks that drop out draw from PyTorch's own generator.
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        module.train()
        module(images)
    module.eval()
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
        if norm.running_var is None or not bool(norm.running_var.isfinite().all()):
            raise NetworkError(f"{type(module).__name__} computes NaN or Inf on these images; give it other weights.")
