"""Checkpoints from anywhere: what is not safe is refused by name, and nothing of it has run."""

from __future__ import annotations

import json
import pickle
import shutil
import sys
from pathlib import Path

import pytest
import tiny_pipelines
import torch

from synthviz import pipelines
from synthviz.diffusion.checkpoints import RENAMED, UnsafeCheckpoint, check_checkpoint, check_index, find_variant
from synthviz.diffusion.pipelines import ModelLoadError, load_pipeline
from synthviz.shipped_models import CHECKSUMS, DamagedWeights, compute_checksums, verify_shipped


class Canary:
    """Touches a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


@pytest.fixture
def checkpoint(saved, tmp_path):
    """A whole one, to be spoilt."""
    return Path(shutil.copytree(saved["sd1"], tmp_path / "checkpoint"))


@pytest.fixture
def canary(tmp_path):
    """Is there once code of a checkpoint has run."""
    return tmp_path / "the canary sang"


@pytest.fixture
def opened(monkeypatch):
    """The files that torch was asked to unpickle, or safetensors to open, of this test's checkpoint."""
    files = []
    monkeypatch.setattr("torch.load", lambda file, *_, **__: files.append(file))
    monkeypatch.setattr("safetensors.safe_open", lambda file, *_, **__: files.append(file))
    monkeypatch.setattr("safetensors.torch.load_file", lambda file, *_, **__: files.append(file))
    return files


def set_part(checkpoint: Path, name: str, value) -> None:
    path = checkpoint / "model_index.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {name: value}))


def put_pickle(path: Path, canary: Path) -> None:
    path.write_bytes(pickle.dumps(Canary(canary)))


@pytest.mark.parametrize("family", ["sd1", "sdxl", "sd3", "flux"])
def test_complete_checkpoints_pass(saved, family):
    assert check_checkpoint(saved[family]) == []


def test_a_part_without_safetensors_is_refused_by_name(checkpoint, canary):
    for weights in (checkpoint / "unet").glob("*.safetensors"):
        weights.unlink()
    put_pickle(checkpoint / "unet" / "diffusion_pytorch_model.bin", canary)
    words = r"not opened: its unet has no safetensors, only diffusion_pytorch_model\.bin"
    with pytest.raises(ModelLoadError, match=words):
        load_pipeline(str(checkpoint), device="cpu")
    assert not canary.exists()


def test_other_files_beside_the_safetensors_are_listed_and_never_opened(checkpoint, canary, caplog):
    put_pickle(checkpoint / "unet" / "diffusion_pytorch_model.bin", canary)
    put_pickle(checkpoint / "model.ckpt", canary)
    (checkpoint / "unet" / "pipeline.py").write_text(f"open({str(canary)!r}, 'w')")
    load_pipeline(str(checkpoint), device="cpu")
    said = "never opened: model.ckpt, unet/diffusion_pytorch_model.bin, unet/pipeline.py"
    assert said in caplog.text
    assert not canary.exists()


@pytest.mark.parametrize("name", ["unet", "scheduler", "tokenizer"])
def test_a_class_of_another_library_is_refused_before_it_is_imported(checkpoint, canary, tmp_path, monkeypatch, name):
    (tmp_path / "canary_library.py").write_text(f"open({str(canary)!r}, 'w')\nclass Model: pass")
    monkeypatch.syspath_prepend(tmp_path)
    set_part(checkpoint, name, ["canary_library", "Model"])
    with pytest.raises(ModelLoadError, match=rf"its {name} is a canary_library\.Model, which is not one of"):
        load_pipeline(str(checkpoint), device="cpu")
    assert not canary.exists()
    assert "canary_library" not in sys.modules


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("_class_name", "CanaryPipeline", "'CanaryPipeline', which diffusers does not have"),
        ("_class_name", ["pipeline", "CanaryPipeline"], "which diffusers does not have"),
        ("_class_name", None, "which diffusers does not have"),
        ("unet", ["os", "system"], r"its unet is a os\.system"),
        ("unet", ["diffusers.utils", "logging"], r"its unet is a diffusers\.utils\.logging"),
        ("unet", ["diffusers", "utils"], r"its unet is a diffusers\.utils"),
        ("unet", ["transformers", "__builtins__"], "which is not one of"),
        ("unet", ["diffusers"], "not a library and a class"),
        ("unet", ["diffusers", 7], "not a library and a class"),
        ("../unet", ["diffusers", "UNet2DConditionModel"], "no folder of its own"),
    ],
)
def test_strange_parts_are_refused(checkpoint, name, value, words):
    set_part(checkpoint, name, value)
    with pytest.raises(UnsafeCheckpoint, match=words):
        check_checkpoint(checkpoint)


@pytest.mark.parametrize(
    ("library", "class_name"),
    [
        ("diffusers", "StableDiffusionPipeline"),
        ("diffusers", "DiffusionPipeline"),
        ("diffusers", "OnnxRuntimeModel"),
        ("stable_diffusion", "StableDiffusionPipeline"),
    ],
)
def test_a_part_that_is_a_pipeline_or_an_onnx_model_is_refused(checkpoint, canary, opened, library, class_name):
    """Its own weights would be opened whatever they are."""
    shutil.rmtree(checkpoint / "unet")
    shutil.copytree(checkpoint, checkpoint / "unet")
    for weights in (checkpoint / "unet").rglob("*.safetensors"):
        put_pickle(weights.with_suffix(".bin"), canary)
    set_part(checkpoint, "unet", [library, class_name])
    with pytest.raises(
        ModelLoadError, match=rf"its unet is a {library}\.{class_name}; a part must be no pipeline and no"
    ):
        load_pipeline(str(checkpoint), device="cpu")
    assert not canary.exists()
    assert not opened


@pytest.mark.parametrize("part", ["unet", "vae", "text_encoder"])
@pytest.mark.parametrize("left", ["an empty folder", "no folder"])
def test_a_model_without_any_weights_is_refused_by_name(checkpoint, canary, opened, part, left):
    """Without its folder a part would be looked for beside the index."""
    shutil.rmtree(checkpoint / part)
    if left == "an empty folder":
        (checkpoint / part).mkdir()
    put_pickle(checkpoint / "pytorch_model.bin", canary)
    with pytest.raises(ModelLoadError, match=rf"its {part} has no safetensors; there must be some in {part}/"):
        load_pipeline(str(checkpoint), device="cpu")
    assert not canary.exists()
    assert not opened


@pytest.mark.parametrize("part", ["unet", "text_encoder"])
@pytest.mark.parametrize(
    "name",
    ["weights.bin", "../weights.bin", "../model.safetensors", "/model.safetensors", "weights.SAFETENSORS", "", 7, None],
)
def test_an_index_of_weights_that_names_another_file_is_refused(checkpoint, canary, opened, part, name):
    put_pickle(checkpoint / part / "weights.bin", canary)
    put_pickle(checkpoint / "weights.bin", canary)
    (weights,) = (checkpoint / part).glob("*.safetensors")
    index = {"metadata": {}, "weight_map": {"first": weights.name, "second": name}}
    (checkpoint / part / f"{weights.name}.index.json").write_text(json.dumps(index))
    said = rf"its {part}/.*\.index\.json names {name!r}, which is not a \.safetensors file in the same folder"
    with pytest.raises(ModelLoadError, match=said):
        load_pipeline(str(checkpoint), device="cpu")
    assert not canary.exists()
    assert not opened


@pytest.mark.parametrize("variant", ["", ".fp16"])
@pytest.mark.parametrize("weight_map", [None, [], "weights.bin"])
def test_an_index_of_weights_without_a_map_is_refused(checkpoint, variant, weight_map):
    file = checkpoint / "unet" / f"diffusion_pytorch_model.safetensors.index{variant}.json"
    file.write_text(json.dumps({"weight_map": weight_map}))
    with pytest.raises(UnsafeCheckpoint, match=rf"its unet/{file.name} has no weight_map"):
        check_checkpoint(checkpoint)


def test_weights_in_several_files_pass(saved, tmp_path):
    """As diffusers itself splits them."""
    from diffusers import UNet2DConditionModel

    checkpoint = Path(shutil.copytree(saved["sd1"], tmp_path / "split"))
    unet = UNet2DConditionModel.from_pretrained(checkpoint / "unet")
    shutil.rmtree(checkpoint / "unet")
    unet.save_pretrained(checkpoint / "unet", max_shard_size="100KB")
    assert len(list((checkpoint / "unet").glob("*.safetensors"))) > 1
    assert check_checkpoint(checkpoint) == []


def test_a_part_that_brings_its_own_code_is_refused(checkpoint, canary):
    (checkpoint / "tokenizer" / "canary.py").write_text(f"open({str(canary)!r}, 'w')\nclass Canary: pass")
    config = checkpoint / "tokenizer" / "tokenizer_config.json"
    config.write_text(json.dumps({"auto_map": {"AutoTokenizer": ["canary.Canary", None]}}))
    set_part(checkpoint, "tokenizer", ["transformers", "AutoTokenizer"])
    with pytest.raises(ModelLoadError, match="its tokenizer wants to be opened by code of its own"):
        load_pipeline(str(checkpoint), device="cpu")
    assert not canary.exists()


@pytest.mark.parametrize("content", ["{", "[]", "\x00"])
def test_a_broken_index_is_named(checkpoint, content):
    (checkpoint / "model_index.json").write_text(content)
    with pytest.raises(ModelLoadError, match=r"its model_index\.json"):
        load_pipeline(str(checkpoint), device="cpu")


def test_an_old_name_that_diffusers_maps_is_accepted(checkpoint):
    """Transformers 5 has no CLIPFeatureExtractor; diffusers opens a CLIPImageProcessor."""
    from transformers import CLIPImageProcessor

    CLIPImageProcessor().save_pretrained(checkpoint / "feature_extractor")
    set_part(checkpoint, "feature_extractor", ["transformers", "CLIPFeatureExtractor"])
    pipeline = load_pipeline(str(checkpoint), device="cpu")
    assert type(pipeline.feature_extractor).__name__.startswith("CLIPImageProcessor")


def test_old_names_are_those_of_diffusers():
    from diffusers.utils import deprecation_utils

    of_diffusers = {old: new["new_class"] for old, new in deprecation_utils._TRANSFORMERS_CLASS_REMAPPING.items()}
    assert of_diffusers == RENAMED


@pytest.mark.parametrize("name", ["KolorsPipeline", "DPMSolverSDEScheduler"])
def test_a_class_that_needs_a_missing_library_is_not_called_foreign(checkpoint, monkeypatch, name):
    import diffusers
    from diffusers.utils.import_utils import DummyObject

    def stand_in(*_):
        raise ImportError(f"{name} requires the sentencepiece library but it was not found")

    missing = DummyObject(name, (), {"__init__": stand_in, "__module__": "diffusers.utils.dummy_objects"})
    monkeypatch.setattr(diffusers, name, missing, raising=False)
    set_part(checkpoint, *(("_class_name", name) if "Pipeline" in name else ("scheduler", ["diffusers", name])))
    with pytest.raises(ModelLoadError, match=f"{name}, which needs a library that is not installed: sentencepiece"):
        load_pipeline(str(checkpoint), device="cpu")


class TestVariants:
    """Weights under names such as diffusion_pytorch_model.fp16.safetensors, which diffusers opens only if asked to."""

    def saved_as(self, folder, **options):
        tiny_pipelines.stable_diffusion().save_pretrained(folder, variant="fp16", **options)
        return folder

    @pytest.mark.parametrize("options", [{}, {"max_shard_size": "100KB"}])
    def test_a_variant_alone_is_opened(self, tmp_path, options):
        pipeline = load_pipeline(str(self.saved_as(tmp_path, **options)), device="cpu")
        wanted = tiny_pipelines.stable_diffusion().unet.state_dict()
        assert all(torch.equal(value, wanted[key]) for key, value in pipeline.unet.state_dict().items())

    def test_a_variant_of_some_parts_only(self, tmp_path):
        self.saved_as(tmp_path)
        shutil.rmtree(tmp_path / "unet")
        tiny_pipelines.stable_diffusion().unet.save_pretrained(tmp_path / "unet")
        assert type(load_pipeline(str(tmp_path), device="cpu")).__name__ == "StableDiffusionPipeline"

    def test_plain_names_come_first(self, saved, tmp_path):
        checkpoint = Path(shutil.copytree(saved["sd1"], tmp_path / "both"))
        self.saved_as(checkpoint)
        assert find_variant(path.relative_to(checkpoint).as_posix() for path in checkpoint.rglob("*")) is None

    def test_one_that_all_parts_have_is_chosen(self):
        assert find_variant(["unet/a.bf16.safetensors", "unet/a.fp16.safetensors", "vae/a.fp16.safetensors"]) == "fp16"
        assert find_variant(["unet/a.fp16-00001-of-00002.safetensors", "vae/a.safetensors", "b.safetensors"]) == "fp16"

    def test_parts_in_different_variants_are_named(self, tmp_path):
        self.saved_as(tmp_path)
        (file,) = (tmp_path / "unet").glob("*.safetensors")
        file.rename(str(file).replace("fp16", "bf16"))
        with pytest.raises(
            ModelLoadError, match=r"different variants, .*: text_encoder in fp16, unet in bf16, vae in fp16"
        ):
            load_pipeline(str(tmp_path), device="cpu")


@pytest.mark.parametrize("part", ["unet", "vae", "text_encoder"])
def test_missing_weights_are_not_made_up(checkpoint, part):
    from safetensors.torch import load_file, save_file

    (file,) = (checkpoint / part).glob("*.safetensors")
    weights = load_file(file)
    name = sorted(weights)[3]
    del weights[name]
    save_file(weights, file, metadata={"format": "pt"})
    with pytest.raises(ModelLoadError, match=rf"is not complete: .*{name.split('.')[-2]}"):
        load_pipeline(str(checkpoint), device="cpu")


def test_empty_parts_are_ignored():
    check_index(
        {"_class_name": "StableDiffusionPipeline", "safety_checker": [None, None], "requires_safety_checker": 1}
    )


def test_damaged_weights_raise_one_sentence(checkpoint):
    (weights,) = (checkpoint / "unet").glob("*.safetensors")
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(ModelLoadError) as caught:
        load_pipeline(str(checkpoint), device="cpu")
    assert "\n" not in str(caught.value)
    assert "cannot be loaded" in str(caught.value)


def test_the_index_on_the_hub_is_checked_before_weights_are_fetched(monkeypatch, tmp_path):
    (tmp_path / "model_index.json").write_text(
        json.dumps({"_class_name": "StableDiffusionPipeline", "unet": ["os", "x"]})
    )
    monkeypatch.setattr("huggingface_hub.hf_hub_download", lambda *_: tmp_path / "model_index.json")
    with pytest.raises(ModelLoadError, match=r"'some/model' is not opened: its unet is a os\.x"):
        load_pipeline("some/model", device="cpu")


class TestShipped:
    @pytest.fixture
    def models(self, tmp_path, monkeypatch):
        """A copy of all shipped models, which the package then takes for its own."""
        copied = shutil.copytree(pipelines.MODELS, tmp_path / "models")
        monkeypatch.setattr(pipelines, "MODELS", copied)
        return copied

    def test_the_checksums_fit_the_shipped_weights(self):
        assert json.loads((pipelines.MODELS / CHECKSUMS).read_text()) == compute_checksums(pipelines.MODELS)

    @pytest.mark.parametrize("model", ["embedded", "embedded-teacher"])
    @pytest.mark.parametrize("harm", ["change", "remove", "cut"])
    def test_changed_weights_are_named(self, models, model, harm):
        weights = next((models / model / "unet").glob("*.safetensors"))
        content = bytearray(weights.read_bytes())
        content[-7] ^= 1
        weights.write_bytes(content if harm == "change" else content[:5000])
        if harm == "remove":
            weights.unlink()
        with pytest.raises(
            ModelLoadError, match=rf"shipped weights {model}/unet/{weights.name} .*install synthviz again"
        ):
            load_pipeline(model, device="cpu")

    def test_the_teacher_needs_the_shared_weights(self, models):
        (models / "embedded" / "text_encoder" / "model.safetensors").write_bytes(b"")
        with pytest.raises(
            ModelLoadError, match=r"embedded/text_encoder/model\.safetensors are not as they were shipped"
        ):
            load_pipeline("embedded-teacher", device="cpu")

    def test_the_cnn_too(self, models):
        verify_shipped(models / "scene-cnn")
        (models / "scene-cnn" / "model.safetensors").write_bytes(b"")
        with pytest.raises(DamagedWeights, match=r"scene-cnn/model\.safetensors"):
            verify_shipped(models / "scene-cnn")
