"""word_maps.py: which word looked where."""

from __future__ import annotations

import numpy as np
import pytest
import tiny_pipelines
import torch
from PIL import Image

from synthviz import generation, word_maps
from synthviz.diffusion.config import GenerationConfig
from synthviz.diffusion.pipelines import load_pipeline

MIDDLE = "mid_block.attentions.0.transformer_blocks.0.attn2"
BOATS = GenerationConfig("a red boat and a blue boat", count=2, steps=2, guidance_scale=4.0)


@pytest.fixture
def tiny():
    return tiny_pipelines.stable_diffusion()


def parts_that_change(pipeline) -> tuple:
    processors = [id(processor) for processor in pipeline.unet.attn_processors.values()]
    hooks = sum(len(module._forward_hooks) + len(module._forward_pre_hooks) for module in pipeline.unet.modules())
    modes = [module.training for module in pipeline.unet.modules()]
    gradients = [weights.grad is None for weights in pipeline.unet.parameters()]
    return processors, hooks, modes, gradients, id(pipeline.scheduler)


@pytest.mark.parametrize("build", [tiny_pipelines.stable_diffusion, tiny_pipelines.stable_diffusion_xl])
def test_recording_changes_no_picture(build):
    pipeline = build()
    plain = generation.generate(pipeline, BOATS)
    recorded = word_maps.generate_with_word_maps(pipeline, BOATS)
    for one, (other, _) in zip(plain, recorded, strict=True):
        assert np.array_equal(np.asarray(one.image), np.asarray(other.image))
        assert one.record == other.record


def test_words_steps_layers_and_sizes(tiny):
    (_, maps), _ = word_maps.generate_with_word_maps(tiny, BOATS)
    assert maps.words == ("a", "red", "boat", "and", "a", "blue", "boat")
    assert maps.size == (16, 16)
    assert len(maps.timesteps) == 2
    assert maps.timesteps[0] > maps.timesteps[1]
    assert list(maps.layers) == word_maps.cross_attention_layers(tiny)
    assert maps.layers[MIDDLE].shape == (2, 7, 8, 8)
    assert maps.heatmap("red").shape == (16, 16)
    assert maps.over_time("red").shape == (2, 16, 16)
    assert maps.by_layer("red")[MIDDLE].shape == (8, 8)
    for layer in maps.layers.values():
        assert layer.min() >= 0
        assert layer.sum(dim=1).max() < 1  # the start mark, the end mark and padding have their share


def test_the_attention_is_the_softmax_of_queries_and_keys(tiny):
    attention = tiny.unet.get_submodule(MIDDLE)
    seen = []
    handle = attention.register_forward_hook(
        lambda module, inputs, named, output: seen.append((inputs[0], named["encoder_hidden_states"])), with_kwargs=True
    )
    config = GenerationConfig("a red boat", count=1, steps=1, guidance_scale=4.0)
    ((_, maps),) = word_maps.generate_with_word_maps(tiny, config, layers=[MIDDLE])
    handle.remove()
    ((hidden, text),) = seen
    queries = hidden[1].double().numpy() @ attention.to_q.weight.detach().double().numpy().T  # row 0 is without words
    keys = text[1].double().numpy() @ attention.to_k.weight.detach().double().numpy().T
    width = queries.shape[1] // attention.heads
    expected = np.zeros((64, 77))
    for head in range(attention.heads):
        own = slice(head * width, (head + 1) * width)
        scores = np.exp(queries[:, own] @ keys[:, own].T / np.sqrt(width))
        expected += scores / scores.sum(axis=1, keepdims=True) / attention.heads
    positions = dict(word_maps.words_and_tokens(tiny, "a red boat"))["red"]
    assert positions == [2, 3, 4]  # the start mark, "a", then one token a letter
    found = maps.layers[MIDDLE][0, 1].numpy()
    np.testing.assert_allclose(found, expected[:, positions].sum(axis=1).reshape(8, 8), atol=1e-6)


@pytest.mark.parametrize("guidance", [1.0, 4.0])
def test_alone_and_in_a_batch_are_alike(tiny, guidance):
    config = GenerationConfig("a red boat", count=2, steps=2, seed=5, guidance_scale=guidance)
    _, (_, second) = word_maps.generate_with_word_maps(tiny, config)
    alone = GenerationConfig("a red boat", count=1, steps=2, seed=6, guidance_scale=guidance)
    ((_, same),) = word_maps.generate_with_word_maps(tiny, alone)
    for name, layer in second.layers.items():
        assert torch.allclose(layer, same.layers[name], atol=1e-5)


def test_more_pictures_than_fit_in_a_batch(tiny):
    config = GenerationConfig("a boat", count=generation.LARGEST_BATCH + 1, steps=1)
    found = word_maps.generate_with_word_maps(tiny, config)
    assert [picture.record["seed"] for picture, _ in found] == list(range(generation.LARGEST_BATCH + 1))
    first, last = (maps.heatmap("boat") for _, maps in (found[0], found[-1]))
    assert not torch.equal(first, last)


def test_a_batch_that_ran_out_of_memory_is_forgotten(tiny, monkeypatch):
    forward, calls = tiny.unet.forward, []

    def scarce(sample, *args, **kwargs):
        calls.append(len(sample))
        if len(sample) > 4:
            raise torch.OutOfMemoryError("out of memory")
        return forward(sample, *args, **kwargs)

    monkeypatch.setattr(tiny.unet, "forward", scarce)
    found = word_maps.generate_with_word_maps(tiny, GenerationConfig("a boat", count=4, steps=2))
    assert max(calls) == 8
    assert [maps.layers[MIDDLE].shape for _, maps in found] == 4 * [(2, 2, 8, 8)]


def test_a_size_that_does_not_halve_evenly(tiny):
    ((_, maps),) = word_maps.generate_with_word_maps(
        tiny, GenerationConfig("a boat", count=1, width=40, height=24, steps=1)
    )
    assert maps.size == (12, 20)
    assert maps.layers[MIDDLE].shape[2:] == (6, 10)


def test_words_beyond_the_text_encoders_limit_have_no_map(tiny):
    prompt = "a boat " + 80 * "x" + " lantern"
    ((_, maps),) = word_maps.generate_with_word_maps(tiny, GenerationConfig(prompt, count=1, steps=1))
    assert "lantern" not in maps.words
    with pytest.raises(ValueError, match=r"no word 'lantern' that the model read; its words are"):
        maps.heatmap("lantern")


class TestTextualInversion:
    """A name learnt as three vectors, which the pipeline writes as "<cat> <cat>_1 <cat>_2"."""

    @pytest.fixture
    def inverted(self, tiny):
        tiny.set_progress_bar_config(disable=True)
        tiny.load_textual_inversion(torch.randn(3, 32), token="<cat>")
        return tiny

    def test_the_words_after_it_keep_their_tokens(self, inverted):
        found = word_maps.words_and_tokens(inverted, "a <cat> by <cat>, ok")
        # The start mark, a, three vectors, b, y, three vectors, a comma, o, k.
        assert found == [("a", [1]), ("cat", [2, 3, 4]), ("by", [5, 6]), ("cat", [7, 8, 9]), ("ok", [11, 12])]

    def test_the_tokens_are_those_that_the_pipeline_encodes(self, inverted, monkeypatch):
        encoded = []
        forward = inverted.text_encoder.forward
        monkeypatch.setattr(
            inverted.text_encoder, "forward", lambda ids, *a, **kw: (encoded.append(ids), forward(ids, *a, **kw))[1]
        )
        config = GenerationConfig("a <cat> on a boat", count=1, steps=1, guidance_scale=1.0)
        ((_, maps),) = word_maps.generate_with_word_maps(inverted, config)
        assert maps.words == ("a", "cat", "on", "a", "boat")
        read = inverted.tokenizer.convert_ids_to_tokens(encoded[0][0])
        positions = dict(word_maps.words_and_tokens(inverted, config.prompt))
        assert [read[position] for position in positions["cat"]] == ["<cat>", "<cat>_1", "<cat>_2"]
        assert [read[position] for position in positions["boat"]] == ["b", "o", "a", "t</w>"]

    def test_what_it_cuts_off_is_noted(self, inverted):
        config = GenerationConfig("<cat> " * 25 + "lantern", count=1, steps=1)
        (picture,) = generation.generate(inverted, config)
        assert [note for note in picture.record["notes"] if "never sees" in note and "antern" in note]
        (picture,) = generation.generate(inverted, GenerationConfig("<cat> " * 25, count=1, steps=1))
        assert not any("never sees" in note for note in picture.record["notes"])


def test_a_repeated_word_is_averaged_and_case_does_not_matter(tiny):
    (_, maps), _ = word_maps.generate_with_word_maps(tiny, BOATS)
    layer = maps.layers[MIDDLE]
    assert torch.allclose(maps.by_layer("BOAT")[MIDDLE], (layer[:, 2] + layer[:, 6]).mean(dim=0) / 2)
    with pytest.raises(ValueError, match="its words are boat"):
        maps.heatmap("boats")


def test_shipped_models_are_recorded_in_their_taught_layers():
    pipeline = load_pipeline("embedded")
    ((_, maps),) = word_maps.generate_with_word_maps(pipeline, GenerationConfig("a boat", count=1, steps=1))
    assert tuple(maps.layers) == word_maps.TAUGHT_LAYERS
    assert set(maps.layers) < set(word_maps.cross_attention_layers(pipeline))


def test_chosen_layers_only_and_unknown_ones_are_refused(tiny):
    ((_, maps),) = word_maps.generate_with_word_maps(
        tiny, GenerationConfig("a boat", count=1, steps=1), layers=[MIDDLE]
    )
    assert list(maps.layers) == [MIDDLE]
    with pytest.raises(ValueError, match="no cross-attention layer 'mid_block'"):
        word_maps.generate_with_word_maps(tiny, BOATS, layers=["mid_block"])


def test_processors_come_back(tiny):
    before = parts_that_change(tiny)
    for _ in range(3):
        word_maps.generate_with_word_maps(tiny, GenerationConfig("a boat", count=1, steps=1))
    assert parts_that_change(tiny) == before


def test_processors_come_back_after_an_exception(tiny, monkeypatch):
    before = parts_that_change(tiny)

    def broken(*_, **__):
        raise ZeroDivisionError

    monkeypatch.setattr(tiny.vae, "decode", broken)
    with pytest.raises(ZeroDivisionError):
        word_maps.generate_with_word_maps(tiny, BOATS)
    assert parts_that_change(tiny) == before


RUNS = {
    "pictures": lambda pipeline: word_maps.generate_with_word_maps(pipeline, BOATS),
    "a picture": lambda pipeline: word_maps.word_maps_of_picture(pipeline, Image.new("L", (50, 70), 128), "a red boat"),
}


@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS.keys())
def test_processors_come_back_after_an_exception_inside_the_unet(tiny, run):
    def broken(*_, **__):
        raise ZeroDivisionError

    tiny.unet.mid_block.attentions[0].transformer_blocks[0].attn2.to_v.forward = broken
    before = parts_that_change(tiny)
    with pytest.raises(ZeroDivisionError):
        run(tiny)
    assert parts_that_change(tiny) == before


def test_arguments_for_a_layers_own_processor_reach_it(tiny):
    heard = []

    class Listening(type(tiny.unet.mid_block.attentions[0].transformer_blocks[0].attn2.processor)):
        def __call__(self, attn, hidden_states, encoder_hidden_states=None, attention_mask=None, temb=None, mark=None):
            heard.append(mark)
            return super().__call__(attn, hidden_states, encoder_hidden_states, attention_mask, temb)

    tiny.unet.mid_block.attentions[0].transformer_blocks[0].attn2.set_processor(Listening())
    with word_maps.recording(tiny, "a boat") as recorder:
        recorder.start_batch([0])
        tiny("a boat", num_inference_steps=1, cross_attention_kwargs={"mark": 7}, output_type="latent")
    assert heard == [7]


def test_a_recorder_needs_start_batch(tiny):
    with word_maps.recording(tiny, "a boat"), pytest.raises(RuntimeError, match=r"call start_batch\(seeds\) before"):
        tiny("a boat", num_inference_steps=1, output_type="latent")


@pytest.mark.parametrize("family", ["sd3", "flux"])
def test_pipelines_without_cross_attention_are_refused(family):
    pipeline = tiny_pipelines.FAMILIES[family]()
    with pytest.raises(ValueError, match=r"has no cross-attention to record; word maps need a UNet"):
        word_maps.generate_with_word_maps(pipeline, BOATS)


def test_a_prompt_without_words(tiny):
    with pytest.raises(ValueError, match="has no words to look for"):
        word_maps.generate_with_word_maps(tiny, GenerationConfig("!!!", count=1, steps=1))


class TestMapsOfAPicture:
    @pytest.mark.parametrize("build", [tiny_pipelines.stable_diffusion, tiny_pipelines.stable_diffusion_xl])
    def test_one_step_from_the_given_noise(self, build):
        pipeline = build()
        before = (*parts_that_change(pipeline), str(vars(pipeline.scheduler)))
        picture = Image.new("L", (50, 70), 128)
        maps = word_maps.word_maps_of_picture(pipeline, picture, "a red boat", noise=0.5)
        assert len(maps.timesteps) == 1
        assert 300 < maps.timesteps[0] < 700
        assert maps.words == ("a", "red", "boat")
        assert maps.layers[MIDDLE].shape == (1, 3, 8, 8)
        assert (*parts_that_change(pipeline), str(vars(pipeline.scheduler))) == before

    @pytest.mark.parametrize("noise", [0.05, 0.5, 1.0])
    def test_a_latent_consistency_model(self, noise):
        pipeline = tiny_pipelines.latent_consistency()
        maps = word_maps.word_maps_of_picture(pipeline, Image.new("L", (50, 70), 128), "a red boat", noise=noise)
        assert len(maps.timesteps) == 1
        assert abs(maps.timesteps[0] - 1000 * noise) < 60

    @pytest.mark.parametrize("model", ["embedded", "embedded-teacher"])
    def test_the_embedded_models(self, model):
        pipeline = load_pipeline(model, device="cpu")
        picture = Image.new("RGB", (256, 256), "orange")
        low, high = (
            word_maps.word_maps_of_picture(pipeline, picture, "a desert at sunset", noise=noise) for noise in (0.3, 1.0)
        )
        assert low.timesteps[0] < 400 < high.timesteps[0]
        assert low.size == (32, 32)

    @pytest.mark.parametrize("noise", [0, 0.01, -1, 1.5])
    def test_noise_out_of_range(self, tiny, noise):
        with pytest.raises(ValueError, match=r"from 0\.05 to 1"):
            word_maps.word_maps_of_picture(tiny, Image.new("RGB", (8, 8)), "a boat", noise=noise)
