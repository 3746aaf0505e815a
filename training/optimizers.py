"""Muon for matrices and AdamW for everything else, as one optimizer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

SMALLEST_MATRIX = 16  # rows; thinner ones, such as the last layer, go to AdamW


class MuonAndAdamW:
    """Muon (Jordan et al. 2024, in PyTorch) for matrices and convolutions, AdamW for embeddings, norms and biases.

    Muon takes matrices only, so that a convolution's weights are seen as the matrix (outputs, inputs × height × width),
    which shares their memory. Its steps are as large as AdamW's (Liu et al. 2025), so that both share one rate.

    Args:
        module: whose weights to train; afterwards its convolutions must keep their memory format.
        rate: the learning rate.
        weight_decay: of all weights.
        scales: the learning rates of some weights as a share of the rate, by the beginning of their name.
    """

    def __init__(
        self, module: nn.Module, rate: float, weight_decay: float = 0.01, scales: Mapping[str, float] | None = None
    ) -> None:
        embeddings = {id(part.weight) for part in module.modules() if isinstance(part, nn.Embedding)}
        matrices: dict[float, list[Tensor]] = {}
        others: dict[float, list[Tensor]] = {}
        self._views: list[tuple[Tensor, nn.Parameter]] = []
        for name, weights in module.named_parameters():
            scale = next((share for start, share in (scales or {}).items() if name.startswith(start)), 1.0)
            if weights.ndim < 2 or len(weights) < SMALLEST_MATRIX or id(weights) in embeddings:
                others.setdefault(scale, []).append(weights)
                continue
            matrix = _as_matrix(weights.detach(), _is_channels_last(weights))
            self._views.append((matrix, weights))
            matrices.setdefault(scale, []).append(matrix)
        self._muon = torch.optim.Muon(
            _groups(matrices), lr=rate, momentum=0.95, weight_decay=weight_decay, adjust_lr_fn="match_rms_adamw"
        )
        self._adam = torch.optim.AdamW(_groups(others), lr=rate, betas=(0.9, 0.99), weight_decay=weight_decay)

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """The groups of both, whose "lr" may be set."""
        return [*self._muon.param_groups, *self._adam.param_groups]

    def step(self) -> None:
        """Take one step along the gradients."""
        for matrix, weights in self._views:
            gradient = weights.grad
            matrix.grad = None if gradient is None else _as_matrix(gradient, _is_channels_last(weights))
        self._muon.step()  # type: ignore[no-untyped-call]
        self._adam.step()

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients."""
        self._adam.zero_grad(set_to_none)
        for matrix, weights in self._views:
            matrix.grad = weights.grad = None

    def state_dict(self) -> dict[str, Any]:
        """Return the state of both."""
        return {"muon": self._muon.state_dict(), "adam": self._adam.state_dict()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the state of both."""
        self._muon.load_state_dict(state_dict["muon"])
        self._adam.load_state_dict(state_dict["adam"])


def _is_channels_last(weights: Tensor) -> bool:
    return weights.ndim == 4 and not weights.is_contiguous()


def _as_matrix(values: Tensor, channels_last: bool) -> Tensor:
    """Return weights or gradients (outputs, …) as a matrix; that of weights shares their memory."""
    return (values.permute(0, 2, 3, 1) if channels_last else values).reshape(len(values), -1)


def _groups(weights: dict[float, list[Tensor]]) -> Iterable[dict[str, Any]]:
    return [{"params": group, "scale": scale} for scale, group in weights.items()]
