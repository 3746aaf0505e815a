"""schedulers.py: which scheduler a name means, and what is said where it cannot be used."""

from __future__ import annotations

import pytest
import tiny_pipelines

from synthviz.diffusion.schedulers import find_scheduler


def test_by_name_with_and_without_the_suffix():
    pipeline = tiny_pipelines.stable_diffusion()
    for name in ("Euler-Discrete".replace("-", ""), "eulerdiscretescheduler"):
        assert type(find_scheduler(pipeline, name)).__name__ == "EulerDiscreteScheduler"


def test_one_that_ignores_the_seed_is_not_offered():
    with pytest.raises(ValueError, match="cannot use"):
        find_scheduler(tiny_pipelines.stable_diffusion(), "DPMSolverSDE")


def test_a_missing_library_is_a_bad_value_not_a_broken_model(monkeypatch):
    def needs_scipy(*_):
        raise ImportError("LMSDiscreteScheduler requires the scipy library\nmore lines")

    pipeline = tiny_pipelines.stable_diffusion()
    chosen = next(one for one in pipeline.scheduler.compatibles if one.__name__ == "PNDMScheduler")
    monkeypatch.setattr(chosen, "from_config", needs_scipy)
    with pytest.raises(ValueError, match=r"scheduler is .PNDM., which needs a library .* requires the scipy library"):
        find_scheduler(pipeline, "PNDM")
