"""pipelines.py: what loads, what is refused, and with which words."""

from __future__ import annotations

import pytest
import tiny_pipelines

from synthviz import pipelines
from synthviz.pipelines import ModelLoadError


@pytest.mark.parametrize("family", tiny_pipelines.FAMILIES)
def test_a_prompt_too_long_is_said(saved, family):
    pipeline = pipelines.load_pipeline(str(saved[family]), device="cpu")
    short, long = "a red boat", "boat " * 200
    assert pipelines.unread_words(pipeline, short) == ""
    assert pipelines.unread_words(pipeline, long) != ""


def test_a_hub_id_that_is_not_here_says_how_to_fetch_it(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelLoadError, match="hf download nobody/nothing"):
        pipelines.load_pipeline("nobody/nothing")


def test_a_folder_without_a_pipeline(tmp_path):
    with pytest.raises(ModelLoadError, match=r"no model_index\.json"):
        pipelines.load_pipeline(str(tmp_path))


def test_a_misspelled_name_has_close_matches():
    with pytest.raises(ModelLoadError, match="did you mean 'embedded'"):
        pipelines.load_pipeline("embeded")


def test_pickled_weights_are_refused(tmp_path):
    tiny_pipelines.stable_diffusion().save_pretrained(tmp_path, safe_serialization=False)
    with pytest.raises(ModelLoadError, match="safetensors"):
        pipelines.load_pipeline(str(tmp_path), device="cpu")


def test_a_pipeline_of_another_kind_is_refused(tmp_path):
    from diffusers import DDPMPipeline, DDPMScheduler, UNet2DModel

    model = UNet2DModel(
        sample_size=8,
        block_out_channels=(8, 8),
        norm_num_groups=4,
        down_block_types=("DownBlock2D",) * 2,
        up_block_types=("UpBlock2D",) * 2,
    )
    DDPMPipeline(model, DDPMScheduler()).save_pretrained(tmp_path)
    with pytest.raises(ModelLoadError, match="DDPMPipeline, which does not make pictures from text"):
        pipelines.load_pipeline(str(tmp_path), device="cpu")


def test_libraries_get_their_verbosity_back(saved):
    from diffusers.utils import logging

    logging.set_verbosity_info()
    pipelines.load_pipeline(str(saved["sd1"]), device="cpu")
    assert logging.get_verbosity() == logging.INFO
    logging.set_verbosity_warning()
