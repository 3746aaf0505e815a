"""The clock, the learning rate, averages and checkpoints."""

from __future__ import annotations

import pytest
import torch

from training.loop import AveragedWeights, Clock, RecentLosses, TrainingRun, learning_rate, set_learning_rate


def test_learning_rate_warms_up_and_decays():
    assert learning_rate(1.0, step=0, progress=0.0, warmup=100) == pytest.approx(0.01)
    assert learning_rate(1.0, step=500, progress=0.0) == pytest.approx(1.0)
    assert learning_rate(1.0, step=500, progress=0.75) == pytest.approx(1.0)
    assert 0.1 < learning_rate(1.0, step=500, progress=0.875) < 0.9
    assert learning_rate(1.0, step=500, progress=1.0) == pytest.approx(0.02)


def test_parameter_groups_keep_their_share_of_the_learning_rate():
    weights = [torch.nn.Parameter(torch.zeros(1)) for _ in range(2)]
    optimizer = torch.optim.SGD([{"params": weights[:1]}, {"params": weights[1:], "scale": 0.1}], lr=1.0)
    set_learning_rate(optimizer, 0.5)
    assert [group["lr"] for group in optimizer.param_groups] == pytest.approx([0.5, 0.05])


def test_the_clock_includes_earlier_runs():
    clock = Clock(minutes=10, spent=5)
    assert clock.progress == pytest.approx(0.5, abs=0.01)


def test_recent_losses_follow_new_values():
    recent = RecentLosses()
    recent.update(loss=torch.tensor(1.0))
    assert recent.read() == {"loss": 1.0}
    for _ in range(500):
        recent.update(loss=torch.tensor(3.0))
    assert recent.read()["loss"] == pytest.approx(3.0, abs=1e-3)


def test_averaged_weights_follow_the_module():
    module = torch.nn.Linear(1, 1)
    torch.nn.init.zeros_(module.weight)
    average = AveragedWeights(module, decay=0.5)
    torch.nn.init.ones_(module.weight)
    average.update(module, step=1000)
    assert average.state["weight"].item() == pytest.approx(0.5)


def test_a_training_run_resumes_everything_it_stores(tmp_path):
    def start() -> tuple[TrainingRun, torch.nn.Module]:
        module, other = torch.nn.Linear(2, 1), torch.nn.Linear(2, 1)
        optimizer = torch.optim.AdamW(module.parameters())
        return TrainingRun(module, optimizer, tmp_path / "run.checkpoint", minutes=10, others={"other": other}), other

    run, other = start()
    for _ in range(3):
        run.descend(run.module(torch.ones(1, 2)).sum())
    run.save()
    resumed, resumed_other = start()
    assert resumed.step == run.step == 3
    assert 0 < resumed.clock.spent < 1
    for before, after in (
        (run.module.state_dict(), resumed.module.state_dict()),
        (run.average.state, resumed.average.state),
        (other.state_dict(), resumed_other.state_dict()),
    ):
        assert all(torch.equal(value, after[name]) for name, value in before.items())
    moments = [each.optimizer.state_dict()["state"][0]["exp_avg"] for each in (run, resumed)]
    assert torch.equal(*moments)


def test_a_step_follows_the_gradient_clips_it_and_updates_the_average(tmp_path):
    module = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.zeros_(module.weight)
    run = TrainingRun(module, torch.optim.SGD(module.parameters(), lr=1.0), tmp_path / "none", minutes=1)
    run.descend(100 * module(torch.ones(1, 1)).sum(), longest_gradient=2.0)
    assert module.weight.item() == pytest.approx(-2)
    assert module.weight.grad is None
    assert run.average.state["weight"].item() == pytest.approx(-1.8)  # the decay of the first step is 1 / 10
    assert run.step == 1
