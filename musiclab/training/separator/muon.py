"""Muon: the step that makes the loss small.

Notebook: 06
"""

from __future__ import annotations

import torch
from torch import Tensor


class Muon(torch.optim.Optimizer):
    """Momentum whose matrices are made orthogonal before each step.

    A convolution's kernel is a matrix of outputs × (inputs × kernel). Orthogonal steps use every direction alike, which
    others found to need far fewer steps than Adam; here it was taken without a comparison. K. Jordan et al., "Muon",
    2024, https://kellerjordan.github.io/posts/muon/. Matrices of one shape take their step together, which on a
    graphics card is a tenth of the launches.
    """

    def __init__(self, parameters: list[torch.nn.Parameter], lr: float, momentum: float = 0.95) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]  # noqa: ARG002
        for group in self.param_groups:
            alike: dict[tuple[int, int], list[Tensor]] = {}
            for weight in (w for w in group["params"] if w.grad is not None):
                alike.setdefault((len(weight), weight[0].numel()), []).append(weight)
            for (rows, columns), weights in alike.items():
                grad = torch.stack([w.grad.reshape(rows, columns) for w in weights if w.grad is not None])
                state = self.state[weights[0]]  # of all that are alike
                buffer = state.setdefault("momentum", torch.zeros_like(grad))
                buffer.lerp_(grad, 1 - group["momentum"])
                update = orthogonal(grad.lerp(buffer, group["momentum"]))  # Nesterov
                scale = max(1.0, rows / columns) ** 0.5
                for weight, change in zip(weights, update, strict=True):
                    weight.mul_(1 - group["lr"] * 0.01)
                    weight.add_(change.view(weight.shape), alpha=-group["lr"] * scale)


def orthogonal(matrices: Tensor, steps: int = 5) -> Tensor:
    """The nearest (roughly) orthogonal matrices ``(..., rows, columns)``, by Newton–Schulz iteration."""
    tall = matrices.shape[-2] > matrices.shape[-1]
    x: Tensor = matrices.mT if tall else matrices
    x = x / (x.square().sum(dim=(-2, -1), keepdim=True).sqrt() + 1e-7)
    x = x.bfloat16() if x.is_cuda else x  # enough for a direction
    for _ in range(steps):
        gram = x @ x.mT
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    return (x.mT if tall else x).to(matrices.dtype)
