"""hub.py: what is said of a model that the hub does not give, by the type of the error."""

from __future__ import annotations

import httpx
import pytest
import tiny_pipelines
from diffusers import DiffusionPipeline
from huggingface_hub import errors

from synthviz.diffusion.hub import why_not_fetched
from synthviz.diffusion.pipelines import ModelLoadError, load_pipeline

ADDRESS = "https://huggingface.co/some/model/resolve/main/model_index.json"


def answer(kind: type[errors.HfHubHTTPError], status: int) -> errors.HfHubHTTPError:
    """As huggingface_hub raises it: with the address, in which "resolve" stands, and a text that says anything."""
    response = httpx.Response(status, request=httpx.Request("GET", ADDRESS))
    return kind(f"{status} Client Error: offline, cached, not found, gated? for url {ADDRESS}", response=response)


def wrapped(error: Exception) -> OSError:
    """As diffusers and transformers raise it again."""
    outer = OSError("There was a specific connection error when trying to load some/model")
    outer.__cause__ = error
    return outer


CASES = {
    "gated": (answer(errors.GatedRepoError, 401), "is gated: accept its licence .* log in with `hf auth login`"),
    "missing": (answer(errors.RepositoryNotFoundError, 401), "the hub has no such model, or it is private"),
    "disabled": (answer(errors.DisabledRepoError, 403), "the hub has disabled the model"),
    "busy": (answer(errors.HfHubHTTPError, 503), "it answered 503; try again later"),
    "unreachable": (errors.LocalEntryNotFoundError("gated"), "cannot be reached; .* `hf download some/model`"),
    "offline": (errors.OfflineModeIsEnabled("gated"), "cannot be reached; .* `hf download some/model`"),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("wrap", [lambda error: error, wrapped])
def test_the_type_decides_not_the_text(name, wrap):
    error, words = CASES[name]
    with pytest.raises(ValueError, match=words):
        raise ValueError(why_not_fetched("some/model", wrap(error)))


@pytest.mark.parametrize("name", CASES)
def test_at_the_index_and_at_the_weights(monkeypatch, saved, name):
    error, words = CASES[name]

    def refuse(*_, **__):
        raise error

    monkeypatch.setattr("huggingface_hub.hf_hub_download", refuse)
    with pytest.raises(ModelLoadError, match=words):
        load_pipeline("some/model", device="cpu")
    monkeypatch.setattr("huggingface_hub.hf_hub_download", lambda *_: saved["sd1"] / "model_index.json")
    monkeypatch.setattr(DiffusionPipeline, "from_pretrained", refuse)
    with pytest.raises(ModelLoadError, match=words):
        load_pipeline("some/model", device="cpu")


def test_a_model_on_the_hub_that_is_no_pipeline(monkeypatch):
    def refuse(*_, **__):
        raise answer(errors.RemoteEntryNotFoundError, 404)

    monkeypatch.setattr("huggingface_hub.hf_hub_download", refuse)
    with pytest.raises(ModelLoadError, match=r"is no diffusers pipeline: it has no model_index\.json"):
        load_pipeline("some/model", device="cpu")


@pytest.mark.parametrize("is_reachable", [True, False])
def test_a_variant_alone_is_found_among_the_files(monkeypatch, tmp_path, is_reachable):
    """On the hub, or among those that were downloaded before."""
    tiny_pipelines.stable_diffusion().save_pretrained(tmp_path, variant="fp16")

    def list_repo_files(model):
        if not is_reachable:
            raise errors.OfflineModeIsEnabled
        return ["README.md", *(path.relative_to(tmp_path).as_posix() for path in tmp_path.glob("*/*"))]

    open_files = DiffusionPipeline.from_pretrained
    monkeypatch.setattr("huggingface_hub.hf_hub_download", lambda *_: str(tmp_path / "model_index.json"))
    monkeypatch.setattr("huggingface_hub.list_repo_files", list_repo_files)
    monkeypatch.setattr(DiffusionPipeline, "from_pretrained", lambda _, **options: open_files(tmp_path, **options))
    assert type(load_pipeline("some/model", device="cpu")).__name__ == "StableDiffusionPipeline"


def test_other_errors_keep_their_own_words(monkeypatch, saved):
    def fail(*_, **__):
        raise RuntimeError("cannot resolve the shape (not found in the cached graph)\nmore lines")

    monkeypatch.setattr("huggingface_hub.hf_hub_download", lambda *_: saved["sd1"] / "model_index.json")
    monkeypatch.setattr(DiffusionPipeline, "from_pretrained", fail)
    with pytest.raises(ModelLoadError, match=r"'some/model' cannot be loaded: cannot resolve the shape \(not found"):
        load_pipeline("some/model", device="cpu")


def test_a_hub_id_that_is_not_here_says_how_to_fetch_it(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ModelLoadError, match="hf download nobody/nothing"):
        load_pipeline("nobody/nothing")
