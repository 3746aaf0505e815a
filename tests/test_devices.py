"""devices.py: CUDA where it works, then MPS, then the CPU."""

from __future__ import annotations

import pytest
import torch

from synthviz.devices import has_fast_bfloat16, pick_device


@pytest.fixture
def machine(monkeypatch):
    """Pretends to be a machine with these accelerators; tensors stay on the CPU."""

    def pretend(cuda: bool, mps: bool, broken: bool = False) -> None:
        def zeros(*_, **__):
            if broken:
                raise RuntimeError("CUDA error: no kernel image is available\nmore lines")
            return torch.tensor([0.0])

        monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
        monkeypatch.setattr(torch, "zeros", zeros)

    return pretend


@pytest.mark.parametrize(
    ("cuda", "mps", "expected"), [(True, True, "cuda"), (False, True, "mps"), (False, False, "cpu")]
)
def test_the_best_there_is(machine, cuda, mps, expected):
    machine(cuda, mps)
    assert pick_device().type == expected


def test_a_gpu_that_cannot_compute_is_skipped_and_logged(machine, caplog):
    machine(cuda=True, mps=False, broken=True)
    assert pick_device().type == "cpu"
    assert "the GPU cannot be used: CUDA error: no kernel image is available" in caplog.text


def test_bfloat16_is_for_processors_that_have_it(monkeypatch):
    assert has_fast_bfloat16(torch.device("cuda"))
    assert not has_fast_bfloat16(torch.device("mps"))
    for capabilities, fast in (({"avx512_bf16": True}, True), ({"amx_bf16": True}, True), ({"avx2": True}, False)):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda found=capabilities: found, raising=False)
        assert has_fast_bfloat16(torch.device("cpu")) == fast
