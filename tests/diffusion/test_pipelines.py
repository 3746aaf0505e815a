"""pipelines.py: what loads, what is refused, and with which words."""

from __future__ import annotations

import gc
import logging
import shutil
import weakref

import pytest
import tiny_pipelines
import torch

from synthviz.diffusion import capabilities, pipelines
from synthviz.diffusion.library_logging import quiet_libraries
from synthviz.diffusion.pipeline_info import PipelineInfo, info_of, set_info
from synthviz.diffusion.pipelines import ModelLoadError


@pytest.fixture
def no_hub(monkeypatch):
    """Fails if the hub is asked."""
    monkeypatch.setattr("huggingface_hub.hf_hub_download", lambda *_, **__: pytest.fail("the hub was asked"))


@pytest.mark.parametrize("family", tiny_pipelines.FAMILIES)
def test_the_unread_end_of_a_long_prompt(saved, family):
    pipeline = pipelines.load_pipeline(str(saved[family]), device="cpu")
    short, long = "a red boat", "boat " * 200
    assert capabilities.unread_words(pipeline, short) == ""
    assert capabilities.unread_words(pipeline, long) != ""


def test_a_folder_without_a_pipeline(tmp_path):
    with pytest.raises(ModelLoadError, match=r"no model_index\.json$"):
        pipelines.load_pipeline(str(tmp_path))


def test_a_folder_around_a_pipeline_names_the_right_one(saved, tmp_path):
    shutil.copytree(saved["sd1"], tmp_path / "snapshots" / "1a2b")
    with pytest.raises(ModelLoadError, match="its folder 'snapshots/1a2b' has one"):
        pipelines.load_pipeline(str(tmp_path))


@pytest.mark.parametrize("name", ["x.safetensors", "models/x.safetensors", "x.ckpt"])
def test_a_single_file_is_not_looked_up_on_the_hub(tmp_path, monkeypatch, name, no_hub):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelLoadError, match="there is no folder"):
        pipelines.load_pipeline(name)
    (tmp_path / "models").mkdir()
    (tmp_path / name).write_bytes(b"weights")
    with pytest.raises(ModelLoadError, match=r"is a single file.*from_single_file"):
        pipelines.load_pipeline(name)


def test_a_file_of_a_pipeline(saved):
    with pytest.raises(ModelLoadError, match="name the folder that holds it"):
        pipelines.load_pipeline(str(saved["sd1"] / "model_index.json"))


@pytest.mark.parametrize("name", ["./my-model", "../my/model", "~/no-such/model", "/no/such", ".\\models\\x"])
def test_a_missing_folder(name, no_hub):
    with pytest.raises(ModelLoadError, match="there is no folder"):
        pipelines.load_pipeline(name)


@pytest.mark.parametrize("name", ["", "my-model", "owner/na me", "a/b/c", "-owner/name"])
def test_a_name_that_means_nothing(name, no_hub):
    with pytest.raises(ModelLoadError, match="neither 'embedded', nor a local folder, nor a hub id"):
        pipelines.load_pipeline(name)


def test_a_misspelled_name_has_close_matches():
    with pytest.raises(ModelLoadError, match="did you mean 'embedded'"):
        pipelines.load_pipeline("embeded")


@pytest.mark.parametrize("model", ["embedded", "embedded-teacher"])
def test_missing_shipped_weights(monkeypatch, tmp_path, model):
    monkeypatch.setattr(pipelines, "MODELS", tmp_path)
    with pytest.raises(ModelLoadError, match=f"'{model}' is not in this installation"):
        pipelines.load_pipeline(model)


@pytest.fixture(scope="module")
def teacher():
    return pipelines.load_pipeline("embedded-teacher", device="cpu")


class TestTeacher:
    def test_its_name_and_defaults(self, teacher):
        assert info_of(teacher).name == "embedded-teacher"
        assert capabilities.default_steps_and_guidance(teacher)[0] == 25
        assert type(teacher.scheduler).__name__ == "DDIMScheduler"
        assert teacher.unet.dtype == torch.float32

    def test_it_shares_all_but_unet_and_scheduler_with_the_embedded_model(self, teacher):
        student = pipelines.load_pipeline("embedded", "cpu", "torch")
        for part in ("vae", "text_encoder"):
            weights = getattr(student, part).state_dict()
            assert all(torch.equal(value, weights[key]) for key, value in getattr(teacher, part).state_dict().items())
        assert student.unet.config.time_cond_proj_dim is not None
        assert teacher.unet.config.time_cond_proj_dim is None


class TestSmallGpu:
    """Where a pipeline goes when the GPU holds all of it, its largest part, or not even that."""

    @pytest.mark.parametrize(
        ("share_free", "expected"),
        [(2.0, "to"), (1.29, "enable_model_cpu_offload"), (0.1, "enable_sequential_cpu_offload")],
    )
    def test_the_memory_saver_fits_the_gpu(self, monkeypatch, share_free, expected):
        pipeline = tiny_pipelines.stable_diffusion()
        parts = (pipeline.unet, pipeline.vae, pipeline.text_encoder)
        need = sum(weight.numel() * 4 for part in parts for weight in part.parameters())
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (share_free * need, need))
        called = []
        for name in ("to", "enable_model_cpu_offload", "enable_sequential_cpu_offload"):
            monkeypatch.setattr(pipeline, name, lambda *_, name=name: called.append(name))
        pipelines._place("tiny", pipeline, "cuda")
        assert called == [expected]


def test_a_foreign_folder_with_the_name_of_a_shipped_model(saved, tmp_path):
    shutil.copytree(saved["sd1"], tmp_path / "embedded")
    pipeline = pipelines.load_pipeline(str(tmp_path / "embedded"), "cpu")
    assert info_of(pipeline).name == "embedded (a folder)"
    assert capabilities.default_steps_and_guidance(pipeline) == (50, 7.5)


def test_the_shipped_folder_by_a_relative_path(monkeypatch):
    monkeypatch.chdir(pipelines.MODELS)
    assert info_of(pipelines.load_pipeline("./embedded", "cpu")).name == "embedded"


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
    with pytest.raises(ModelLoadError, match="DDPMPipeline, with which synthviz cannot draw from a prompt alone"):
        pipelines.load_pipeline(str(tmp_path), device="cpu")


def test_what_is_known_of_a_pipeline_goes_with_it():
    pipeline = tiny_pipelines.stable_diffusion()
    assert info_of(pipeline) == PipelineInfo("StableDiffusionPipeline")
    set_info(pipeline, PipelineInfo("mine", notes=("a note",)))
    assert info_of(pipeline).notes == ("a note",)
    there = weakref.ref(pipeline)
    del pipeline
    gc.collect()
    assert there() is None


def test_libraries_warn_again_afterwards():
    from diffusers.utils import logging as of_diffusers
    from transformers.utils import logging as of_transformers

    def shown(level, name="diffusers.models"):
        record = logging.makeLogRecord({"levelno": level, "name": name})
        handlers = [*of_diffusers.get_logger().handlers, *of_transformers.get_logger().handlers]
        assert len(handlers) >= 2
        return [bool(handler.filter(record)) for handler in handlers]

    with quiet_libraries():
        with quiet_libraries():
            pass
        assert not any(shown(logging.WARNING))
        assert all(shown(logging.ERROR))
        assert all(shown(logging.WARNING, "another.program"))
    assert all(shown(logging.WARNING))
