"""schedulers.py: which scheduler a name means, and what is said where it cannot be used."""

from __future__ import annotations

import copy
import re

import pytest
import tiny_pipelines
import torch
from diffusers import FlowMatchEulerDiscreteScheduler, LCMScheduler

from synthviz import generation
from synthviz.diffusion.config import GenerationConfig
from synthviz.diffusion.schedulers import find_scheduler, returns_estimates, usable_schedulers


@pytest.fixture
def tiny():
    pipeline = tiny_pipelines.stable_diffusion()
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def offered(error: pytest.ExceptionInfo) -> list[str]:
    """The schedulers that a message offers."""
    return re.split(r"; try (?:\d+ steps, or another: )?", str(error.value))[-1].split(", ")


def test_by_name_with_and_without_the_suffix(tiny):
    for name in ("EulerDiscrete", "eulerdiscretescheduler"):
        assert type(find_scheduler(tiny, name)).__name__ == "EulerDiscreteScheduler"


def test_one_that_ignores_the_seed_is_not_offered(tiny):
    with pytest.raises(ValueError, match="cannot use"):
        find_scheduler(tiny, "DPMSolverSDE")


def test_a_missing_library_is_a_bad_value_not_a_broken_model(tiny, monkeypatch):
    def needs_scipy(*_):
        raise ImportError("LMSDiscreteScheduler requires the scipy library\nmore lines")

    chosen = next(one for one in tiny.scheduler.compatibles if one.__name__ == "PNDMScheduler")
    monkeypatch.setattr(chosen, "from_config", needs_scipy)
    with pytest.raises(ValueError, match=r"scheduler is .PNDM., which needs a library .* requires the scipy library"):
        find_scheduler(tiny, "PNDM")
    assert "PNDM" not in usable_schedulers(tiny)


@pytest.mark.parametrize("family", tiny_pipelines.FAMILIES)
@pytest.mark.parametrize("steps", [1, 2, 3, 7])
def test_every_offered_scheduler_draws(family, steps):
    pipeline = tiny_pipelines.FAMILIES[family]()
    pipeline.set_progress_bar_config(disable=True)
    with pytest.raises(ValueError, match="cannot use") as error:
        generation.generate(pipeline, GenerationConfig("a boat", count=1, steps=steps, scheduler="xyzzy"))
    assert offered(error) == list(usable_schedulers(pipeline, steps))
    for name in offered(error):
        (picture,) = generation.generate(pipeline, GenerationConfig("a boat", count=1, steps=steps, scheduler=name))
        assert picture.record["scheduler"].startswith(name)
        assert not any("not numbers" in note for note in picture.record["notes"])


@pytest.mark.parametrize(("name", "steps"), [("PNDM", 2), ("DDIM", 1000), ("DDPM", 1000)])
def test_a_number_of_steps_that_a_scheduler_cannot_take(tiny, name, steps):
    config = GenerationConfig("a boat", count=1, steps=steps, scheduler=name)
    with pytest.raises(ValueError, match=rf"{name}', which cannot take {steps} steps; try \d+ steps") as error:
        generation.generate(tiny, config)
    assert name not in offered(error)
    other = int(re.search(r"try (\d+) steps", str(error.value))[1])
    assert find_scheduler(tiny, name, other) is not None


def test_steps_that_the_pipelines_own_scheduler_cannot_take(monkeypatch):
    pipeline = tiny_pipelines.latent_consistency()
    monkeypatch.setattr(type(pipeline.text_encoder), "forward", lambda *_, **__: pytest.fail("work was begun"))
    with pytest.raises(ValueError, match="LCMScheduler, cannot take 60 steps; try 50 steps"):
        generation.generate(pipeline, GenerationConfig("a boat", count=1, steps=60))


def test_a_scheduler_that_lacks_what_the_pipeline_uses(tiny, monkeypatch):
    """A pipeline of Stable Diffusion scales its noise by init_noise_sigma, which schedulers of flow matching lack."""
    tiny.scheduler = FlowMatchEulerDiscreteScheduler()
    monkeypatch.setattr(type(tiny.text_encoder), "forward", lambda *_, **__: pytest.fail("work was begun"))
    for name in (None, "FlowMatchEulerDiscrete"):
        with pytest.raises(ValueError, match="FlowMatchEulerDiscrete") as error:
            generation.generate(tiny, GenerationConfig("a boat", count=1, scheduler=name))
        assert "; try" not in str(error.value)


def test_trying_changes_neither_the_scheduler_nor_other_randomness(tiny):
    tiny.scheduler = LCMScheduler.from_config(tiny.scheduler.config)
    before, state = copy.deepcopy(vars(tiny.scheduler)), torch.get_rng_state()
    find_scheduler(tiny, None, 3)
    find_scheduler(tiny, "LCM", 3)
    assert str(vars(tiny.scheduler)) == str(before)
    assert torch.equal(torch.get_rng_state(), state)


def test_which_schedulers_return_estimates(tiny):
    schedulers = usable_schedulers(tiny)
    assert {name for name, each in schedulers.items() if returns_estimates(each)} >= {"DDIM", "DDPM", "EulerDiscrete"}
    assert not returns_estimates(schedulers["DPMSolverMultistep"])
    assert not returns_estimates(FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True))
    assert returns_estimates(LCMScheduler())
