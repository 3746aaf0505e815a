"""The loss for attention in word_places.py, and the classes that words name."""

from __future__ import annotations

import pytest
import torch
from diffusers import UNet2DConditionModel
from transformers import CLIPTextModel, CLIPTokenizer

from synthviz.diffusion.word_maps import TAUGHT_LAYERS
from synthviz.scenes import PLACES
from synthviz.shipped_models import MODELS
from synthviz.world.labels import THINGS
from training.paintings import LAYOUT_CLASSES
from training.teacher import Trained, build_unet
from training.text_encoder import WIDTH, tokenize
from training.word_places import KeepingProcessor, classes_of_tokens, color_tokens, noun_classes, word_place_loss


@pytest.fixture(scope="module")
def tokenizer() -> CLIPTokenizer:
    return CLIPTokenizer.from_pretrained(MODELS / "embedded" / "tokenizer")


def named(tokenizer, caption) -> dict[str, set[str]]:
    """Return the classes that each word of a caption names."""
    names = [*THINGS, *PLACES]
    classes = classes_of_tokens(tokenize(tokenizer, [caption]), noun_classes(tokenizer), color_tokens(tokenizer))[0]
    words = tokenizer.tokenize(caption)
    return {
        word.removesuffix("</w>"): {names[index] for index in row.nonzero().flatten().tolist()}
        for word, row in zip(words, classes[1:], strict=False)
    }


def test_nouns_name_things_and_colours_name_the_following_thing(tokenizer):
    found = named(
        tokenizer, "a serene sunset over a futuristic city with two scarlet hot air balloons, a blue boat and stars"
    )
    assert found["city"] == found["futuristic"] == {"city"}
    assert found["balloons"] == found["scarlet"] == {"balloon"}
    assert found["boat"] == found["blue"] == {"boat"}
    assert found["hot"] == found["serene"] == found["sunset"] == found["two"] == found["with"] == set()


def test_ambiguous_words_name_nothing_or_all_their_things(tokenizer):
    assert named(tokenizer, "a crescent moon over the ocean") == {
        "a": set(), "crescent": set(), "moon": {"moon", "crescent moon"}, "over": set(), "the": set(),
        "ocean": {"ocean", "water"},
    }  # fmt: skip
    assert named(tokenizer, "snowy hills with falling snow")["snow"] == set()  # the ground's or the sky's
    assert named(tokenizer, "a calm lake")["lake"] == {"water"}


@torch.no_grad()
def test_a_colour_encoded_apart_changes_only_its_own_state(tokenizer):
    text_encoder = CLIPTextModel.from_pretrained(MODELS / "embedded" / "text_encoder", dtype=torch.float32)
    model = Trained(text_encoder, build_unet(), color_tokens(tokenizer)).eval()
    ids = tokenize(tokenizer, ["a red boat on the ocean", "a blue boat on the ocean"])
    red, blue = model.read(ids, torch.tensor([True, True]))
    changed = (red - blue).abs().amax(dim=1) > 1e-5
    assert changed.nonzero().flatten().tolist() == [2]  # after the start and "a"
    plainly = text_encoder(ids).last_hidden_state
    assert torch.equal(model.read(ids, torch.tensor([False, False])), plainly)
    red, blue = plainly
    assert (red - blue).abs().amax(dim=1)[3] > 1e-2  # as in CLIP: the state of "boat" depends on its colour
    assert torch.equal(model.read(ids, torch.tensor([True, False]))[1], blue)


def test_every_place_is_named_by_some_word(tokenizer):
    table = noun_classes(tokenizer)
    assert table[:, len(THINGS) :].any(dim=0).all()


def test_attention_in_the_right_place_has_the_lowest_loss():
    layouts = torch.zeros(1, 4, 4, dtype=torch.long)
    layouts[0, :2, :2] = THINGS.index("boat")
    classes = torch.zeros(1, 3, LAYOUT_CLASSES, dtype=torch.bool)
    classes[0, 1, THINGS.index("boat")] = classes[0, 2, THINGS.index("bird")] = True
    right, even, wrong = torch.zeros(1, 4, 3), torch.full((1, 4, 3), 0.1), torch.zeros(1, 4, 3)
    right[0, 0, 1] = wrong[0, 3, 1] = 0.5
    costs = [word_place_loss(shares, layouts, classes).item() for shares in (right, even, wrong)]
    assert costs[0] == pytest.approx(0, abs=1e-3)
    assert costs[1] == pytest.approx(torch.tensor(4.0).log().item(), abs=1e-3)
    assert costs[2] > 5


def test_captions_without_nouns_have_no_loss():
    nothing = torch.zeros(2, 3, LAYOUT_CLASSES, dtype=torch.bool)
    assert word_place_loss(torch.rand(2, 4, 3), torch.zeros(2, 4, 4, dtype=torch.long), nothing).item() == 0


@torch.no_grad()
def test_storing_attention_changes_no_result():
    torch.manual_seed(0)
    unet: UNet2DConditionModel = build_unet(8, 8).eval()
    noisy, time, text = torch.randn(2, 8, 8, 8), torch.tensor([500, 20]), torch.randn(2, 48, WIDTH)
    expected = unet(noisy, time, text).sample
    processors = [KeepingProcessor() for _ in TAUGHT_LAYERS]
    for name, processor in zip(TAUGHT_LAYERS, processors, strict=True):
        unet.get_submodule(name).set_processor(processor)
    assert torch.allclose(unet(noisy, time, text).sample, expected, atol=1e-5)
    for processor in processors:
        assert processor.kept.shape == (2, 16, 48)
        assert torch.allclose(processor.kept.sum(dim=2), torch.ones(2, 16))
