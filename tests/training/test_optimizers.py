"""Muon trains matrices, and AdamW the rest."""

from __future__ import annotations

import pytest
import torch

from training.loop import TrainingRun
from training.optimizers import MuonAndAdamW


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_muon_trains_convolutions_and_adamw_the_rest(memory_format, tmp_path):
    torch.manual_seed(0)
    network = torch.nn.Sequential(
        torch.nn.Conv2d(3, 16, 3, padding=1), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(256, 2)
    ).to(memory_format=memory_format)
    optimizer = MuonAndAdamW(network, 0.01, scales={"3": 0.5})
    pictures, target = torch.randn(8, 3, 4, 4), torch.randn(8, 2)
    run = TrainingRun(network, optimizer, tmp_path / "run.checkpoint", minutes=1)
    losses = []
    for _ in range(60):
        run.set_learning_rate(0.01, warmup=1)
        loss = (network(pictures) - target).square().mean()
        run.descend(loss)
        losses.append(loss.item())
    assert losses[-1] < 0.05 * losses[0]
    assert {group["lr"] for group in optimizer.param_groups} == {0.01, 0.005}
    run.save()
    resumed = TrainingRun(
        network, MuonAndAdamW(network, 0.01, scales={"3": 0.5}), tmp_path / "run.checkpoint", minutes=1
    )
    momenta = [each.optimizer.state_dict()["muon"]["state"][0]["momentum_buffer"] for each in (run, resumed)]
    assert torch.equal(*momenta)


def test_muon_steps_do_not_depend_on_the_memory_format():
    steps = []
    for memory_format in (torch.contiguous_format, torch.channels_last):
        torch.manual_seed(0)
        layer = torch.nn.Conv2d(8, 16, 3).to(memory_format=memory_format)
        optimizer = MuonAndAdamW(layer, 0.1)
        torch.manual_seed(1)
        layer(torch.randn(4, 8, 6, 6)).square().sum().backward()
        optimizer.step()
        steps.append(layer.weight.detach().clone())
    assert torch.allclose(*steps, atol=2e-3)  # Muon computes in bfloat16
