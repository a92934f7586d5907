"""The optimiser of the benchmark's model: orthogonalised momentum for matrices, AdamW for the rest.

Orthogonalising each update makes a few hundred steps go as far as twice as many of AdamW alone,
which is what a minute budget on one CPU core needs.
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

_MOMENTUM = 0.95


def orthogonalised(update: Tensor, turns: int = 4) -> Tensor:
    """Push all singular values of a matrix towards 1 by a quintic Newton-Schulz iteration."""
    wide = update if update.shape[0] <= update.shape[1] else update.T
    x = wide / (wide.norm() + 1e-7)
    for _ in range(turns):
        gram = x @ x.T
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    turned: Tensor = x if update.shape[0] <= update.shape[1] else x.T
    return turned


class Muon(torch.optim.Optimizer):
    """Steepest descent under the spectral norm, with Nesterov momentum."""

    def __init__(self, weights: Iterable[nn.Parameter], rate: float) -> None:
        super().__init__(weights, {"lr": rate})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Move every matrix by its orthogonalised momentum, scaled to its shape."""
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                state = self.state[weight]
                if "momentum" not in state:
                    state["momentum"] = torch.zeros_like(weight)
                state["momentum"].lerp_(weight.grad, 1 - _MOMENTUM)
                ahead = weight.grad.lerp(state["momentum"], _MOMENTUM)
                shape = max(1.0, weight.shape[0] / weight.shape[1]) ** 0.5
                weight.mul_(1 - 0.02 * group["lr"])
                weight.add_(orthogonalised(ahead), alpha=-group["lr"] * shape)


def optimizers(model: nn.Module, rate: float) -> tuple[torch.optim.Optimizer, ...]:
    """Muon for the matrices inside the layers, AdamW at a tenth of its rate for the rest."""
    inside = [w for name, w in model.named_parameters() if w.dim() == 2 and "layers." in name]
    chosen = {id(weight) for weight in inside}
    rest = [weight for weight in model.parameters() if id(weight) not in chosen]
    adam = torch.optim.AdamW(rest, lr=rate / 5, betas=(0.9, 0.95), weight_decay=0.0)
    return Muon(inside, rate), adam
