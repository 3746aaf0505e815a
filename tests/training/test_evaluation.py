"""The evaluation: prompts name what they are judged on; statistics agree with naive code and published values."""

from __future__ import annotations

import json
import re
from collections import Counter

import numpy as np
import pytest
import tiny_pipelines
import torch

from synthviz.diffusion.config import GenerationConfig
from synthviz.diffusion.generation import generate
from synthviz.shipped_models import SHIPPED_DEFAULTS
from synthviz.world import BODIES, COLORS, KINDS, PLACES, SIDES, STYLES, TIMES, WEATHERS, unknown_words, wordings
from synthviz.world.scene import is_held_out_color, is_held_out_time
from training import summary
from training.drawing import generate_batch
from training.estimates import Score
from training.evaluate import evaluate
from training.evaluation import Evaluation
from training.kernel_distance import kernel_distance, squared_discrepancy
from training.memorisation import compare_with_training, nearest_distances, shrink
from training.oracle import QUESTIONS, Oracle
from training.paintings import paint_one
from training.prompts import SINGLES, evaluation_prompts
from training.reconstruction import measure_autoencoder
from training.targets import TARGETS
from training.text_encoder import TOKENS
from training.verdicts import find_confusions, judge, score_answers, score_prompts

WORDS = {
    "place": wordings.PLACE_WORDS,
    "weather": wordings.WEATHER_WORDS,
    "body": wordings.BODY_WORDS,
    "stars": {"yes": wordings.STAR_WORDS},
    "time": {time: (*wordings.TIME_WORDS[time], *wordings.AT_TIME_WORDS[time]) for time in TIMES},
    "style": {style: (*wordings.STYLE_WORDS[style], *wordings.IN_STYLE_WORDS[style]) for style in STYLES},
    "side": wordings.SIDE_WORDS,
    "color": wordings.COLOR_WORDS,
    "count": {str(count): words for count, words in wordings.COUNT_WORDS.items()},
}


@pytest.fixture(scope="module")
def prompts():
    return evaluation_prompts()


def of(prompts, category, part=None):
    return [prompt for prompt in prompts if prompt.category == category and part in (None, prompt.part)]


def read(text: str, question: str) -> str | None:
    """Return the place or time that a prompt names, by its longest known phrase."""
    found = [
        (len(phrase), answer)
        for answer, phrases in WORDS[question].items()
        for phrase in phrases
        if re.search(rf"\b{phrase}\b", text)
    ]
    return max(found)[1] if found else None


class TestPrompts:
    def test_there_are_enough_prompts_and_every_call_returns_the_same(self, prompts):
        counts = Counter(prompt.category for prompt in prompts)
        assert len(prompts) >= 1000
        assert {name: len(of(prompts, "single", name)) for name in SINGLES} == SINGLES
        assert min(counts[name] for name in ("two", "color", "position", "counting")) >= 160
        for category in ("held-out", "seen"):
            assert len(of(prompts, category, "color")) >= 120
            assert len(of(prompts, category, "time")) >= 100
        assert evaluation_prompts() == prompts
        assert [prompt.seed for prompt in prompts] == list(range(len(prompts)))

    def test_fewer_prompts_are_the_first_of_each_part(self, prompts):
        few = evaluation_prompts(most=3)
        assert {prompt.part for prompt in few} == {prompt.part for prompt in prompts}
        assert all(prompts[prompt.seed] == prompt for prompt in few)
        assert max(Counter((prompt.category, prompt.part) for prompt in few).values()) == 3

    def test_all_words_are_known_and_no_prompt_is_cut_off(self, prompts):
        for prompt in prompts:
            assert unknown_words(prompt.text) == []
            assert len(re.findall(r"\w+|,", prompt.text)) <= TOKENS - 2

    def test_every_prompt_names_what_it_is_judged_on(self, prompts):
        for prompt in prompts:
            for question, answer in prompt.expected.items():
                assert answer in QUESTIONS[question]
                phrases = WORDS[question.split()[-1]][answer]
                assert any(re.search(rf"\b{phrase}\b", prompt.text) for phrase in phrases), (prompt, question)

    def test_colors_stand_right_before_their_things(self, prompts):
        for prompt in [*of(prompts, "color"), *of(prompts, "held-out", "color"), *of(prompts, "seen", "color")]:
            for question, color in prompt.expected.items():
                nouns = "|".join(noun for forms in wordings.KIND_WORDS[question.split()[0]] for noun in forms)
                colors = "|".join(wordings.COLOR_WORDS[color])
                assert re.search(rf"\b({colors}) ({nouns})\b", prompt.text)

    def test_single_attributes_and_counts_are_balanced(self, prompts):
        values = {"place": PLACES, "time": TIMES, "weather": WEATHERS, "style": STYLES, "body": BODIES}
        for name, options in values.items():
            counts = Counter(prompt.expected[name] for prompt in of(prompts, "single", name))
            assert set(counts) == set(options)
            assert max(counts.values()) - min(counts.values()) <= 1
        counted = Counter(item for prompt in of(prompts, "counting") for item in prompt.expected.items())
        assert len(counted) == 4 * len(KINDS)
        assert len(set(counted.values())) == 1
        sides = Counter(
            item for prompt in of(prompts, "position") for item in prompt.expected.items() if "side" in item[0]
        )
        assert len(sides) == (1 + len(KINDS)) * len(SIDES)

    def test_only_held_out_prompts_contain_held_out_pairs(self, prompts):
        for prompt in prompts:
            colors = [
                is_held_out_color(question.split()[0], answer)
                for question, answer in prompt.expected.items()
                if question.endswith("color")
            ]
            assert any(colors) == (prompt.category == "held-out" and prompt.part == "color")
            place, time = read(prompt.text, "place"), read(prompt.text, "time")
            held_out_time = time is not None and is_held_out_time(place, time)
            assert held_out_time == (prompt.category == "held-out" and prompt.part == "time"), prompt

    def test_seen_counterparts_have_the_same_form(self, prompts):
        for part, name in (("color", "color"), ("time", "time")):
            pairs = list(zip(of(prompts, "held-out", part), of(prompts, "seen", part), strict=True))
            for held_out, seen in pairs:
                assert held_out.wording == seen.wording
                assert held_out.expected.keys() == seen.expected.keys()
                assert read(held_out.text, "place") == read(seen.text, "place")
            answers = [Counter(each[question] for each in (prompt.expected for prompt in half) for question in each
                               if question.endswith(name)) for half in zip(*pairs, strict=True)]  # fmt: skip
            assert set(answers[0]) == set(answers[1])

    def test_two_things_have_different_colors(self, prompts):
        assert all(len(set(prompt.expected.values())) == 2 for prompt in of(prompts, "color", "two things"))
        assert {color for prompt in of(prompts, "color") for color in prompt.expected.values()} == set(COLORS)


class TestVerdicts:
    def test_judge_needs_the_thing_for_its_color_and_side(self):
        seen = {"place": "city", "body": "none", "body side": "left", "boat count": "2", "boat color": "red"}
        seen |= {"bird count": "0", "bird color": "blue", "bird side": "right"}
        assert judge({"place": "city", "boat color": "red"}, seen)
        assert judge({"boat count": "2"}, seen)
        assert judge({"bird count": "0"}, seen)
        assert not judge({"place": "city", "boat color": "blue"}, seen)
        assert not judge({"bird color": "blue"}, seen)  # there is no bird
        assert not judge({"bird side": "right"}, seen)
        assert not judge({"body side": "left"}, seen)  # nor a moon
        assert judge({"body side": "left"}, {**seen, "body": "moon"})

    def test_prompts_are_scored_by_category_and_part(self, prompts):
        some = [*of(prompts, "single", "place")[:3], *of(prompts, "single", "time")[:2]]
        scores = score_prompts(some, [True, False, True, False, False])
        assert scores["single"] == scores["all"] == Score(2, 5)
        assert scores["single: place"] == Score(2, 3)
        assert scores["single: time"] == Score(0, 2)

    def test_answers_are_scored_by_question_and_confusions_listed(self):
        known = [{"time": "dusk"}, {"time": "dusk"}, {"time": "day"}, {"place": "city"}]
        seen = [{"time": time, "place": "city"} for time in ("night", "dusk", "dusk", "day")]
        scores = score_answers(known, [{**dict.fromkeys(QUESTIONS, ""), **row} for row in seen])
        assert scores["time"] == Score(1, 3)
        assert scores["single attributes"] == Score(2, 4)
        assert find_confusions(known, seen, "time") == ["dusk read as night 1 of 2", "day read as dusk 1 of 1"]


class TestKernelDistance:
    def test_naive_loops_give_the_same_value(self):
        rng = np.random.default_rng(0)
        x, y = rng.random((7, 5)), rng.random((6, 5)) + 0.1

        def kernel(a, b):
            return (sum(p * q for p, q in zip(a, b, strict=True)) / 5 + 1) ** 3

        within_x = [kernel(x[i], x[j]) for i in range(7) for j in range(7) if i != j]
        within_y = [kernel(y[i], y[j]) for i in range(6) for j in range(6) if i != j]
        across = [kernel(a, b) for a in x for b in y]
        expected = np.mean(within_x) + np.mean(within_y) - 2 * np.mean(across)
        assert squared_discrepancy(x, y) == pytest.approx(expected, rel=1e-9)

    def test_distances_within_one_distribution_average_to_zero(self):
        rng = np.random.default_rng(1)
        values = [squared_discrepancy(*rng.random((2, 20, 8))) for _ in range(300)]
        assert abs(np.mean(values)) < 3 * np.std(values) / np.sqrt(300)  # unbiased, so at times negative
        assert min(values) < 0

    def test_another_distribution_has_a_significant_distance(self):
        rng = np.random.default_rng(2)
        x, y = rng.random((200, 8)), rng.random((200, 8))
        same, other = kernel_distance(x, y), kernel_distance(x, y + 0.2)
        assert abs(same.value) < 4 * same.standard_error
        assert other.value > 4 * other.standard_error

    def test_a_single_row_is_refused(self):
        with pytest.raises(ValueError, match="at least two"):
            kernel_distance(np.ones((1, 4)), np.ones((9, 4)))


class TestMemorisation:
    def test_copies_are_closer_and_fresh_pictures_are_not(self):
        rng = np.random.default_rng(3)
        training, fresh, others = (rng.random((count, 12), np.float32) for count in (300, 400, 400))
        copied = compare_with_training(training[:50] + 1e-4, fresh, training)
        assert copied.closer == 1
        assert copied.generated == pytest.approx(1e-4, rel=0.01)
        assert compare_with_training(others, fresh, training).closer < 0.05
        assert compare_with_training(fresh, fresh, training).closer == pytest.approx(0.01, abs=0.003)

    def test_naive_search_finds_the_same_distances(self):
        rng = np.random.default_rng(4)
        pictures, training = rng.random((30, 6), np.float32), rng.random((40, 6), np.float32)
        slow = [min(np.sqrt(((one - other) ** 2).mean()) for other in training) for one in pictures]
        assert nearest_distances(pictures, training, chunk=7) == pytest.approx(slow, rel=1e-5)

    def test_shrink_averages_pixels(self):
        picture = np.zeros((1, 64, 64, 3), np.uint8)
        picture[0, :2, :2, 0] = [[255, 0], [0, 255]]
        small = shrink(picture).reshape(3, 32, 32)
        assert small[0, 0, 0] == pytest.approx(0.5)
        assert small.sum() == pytest.approx(0.5)


class PerfectAutoencoder:
    """Encodes a picture as itself, with diffusers' interface; decoded values can have a relative error."""

    device, dtype = torch.device("cpu"), torch.float32

    def __init__(self, error: float = 0.0) -> None:
        self.error = error

    def encode(self, pixels):
        self.latents = pixels
        return self

    def decode(self, latents):
        self.sample = latents * (1 - self.error)
        return self


def test_a_perfect_autoencoder_changes_no_answer_and_a_paler_one_has_errors():
    torch.manual_seed(0)
    oracle = Oracle().eval()
    paintings = [paint_one(index, 3, 64, held_out=True)[0] for index in range(12)]
    perfect = measure_autoencoder(PerfectAutoencoder(), oracle, paintings)
    assert perfect.psnr.value == pytest.approx(100)  # the limit for an error of 0
    assert perfect.errors["stars"].value == perfect.errors["bird"].value == 0
    assert all(kept.accuracy == 1 for kept in perfect.kept.values())
    assert perfect.detail == pytest.approx({"4-16": 1, "16-32": 1})
    paler = measure_autoencoder(PerfectAutoencoder(error=0.1), oracle, paintings)
    assert paler.errors["stars"].value > 0.01
    assert 25 < paler.psnr.value < 50
    assert paler.detail["16-32"] == pytest.approx(0.81, rel=0.02)  # nine tenths, squared


@pytest.fixture
def tiny():
    pipeline = tiny_pipelines.stable_diffusion()
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def test_a_batch_gives_the_same_pictures_as_generate(tiny, monkeypatch):
    monkeypatch.setitem(SHIPPED_DEFAULTS, "StableDiffusionPipeline", (2, 3.0))  # two steps rather than fifty
    texts = ["a red boat", "a blue bird", "the sea"]
    pictures = generate_batch(tiny, texts, [5, 6, 9])
    for text, seed, picture in zip(texts, [5, 6, 9], pictures, strict=True):
        alone = np.asarray(generate(tiny, GenerationConfig(text, count=1, seed=seed))[0].image).astype(int)
        assert np.abs(alone - picture).max() <= 2


def test_a_small_evaluation_has_all_figures_and_its_table(tiny, monkeypatch):
    torch.manual_seed(0)
    monkeypatch.setattr("training.drawing.default_steps_and_guidance", lambda pipeline: (2, 3.0))
    settings = Evaluation(
        most_prompts=1, pictures=4, references=6, of_each_place=1, of_each_caption=2, masked=3, timed=1, size=32,
        processes=1,
    )  # fmt: skip
    training = np.random.default_rng(0).integers(0, 256, (9, 64, 64, 3), np.uint8)
    results = evaluate({"student": tiny, "teacher": tiny}, Oracle().eval(), settings, training)
    student, teacher = results["models"].values()
    assert student["figures"].pop("seconds for one picture")["value"] > 0
    teacher["figures"].pop("seconds for one picture")
    assert student == teacher  # the same pipeline and seeds
    everything = student["figures"]["all"]
    assert everything["count"] == len(evaluation_prompts(most=1))
    assert len(student["mistakes"]) == everything["count"] - everything["right"]
    assert student["figures"]["places the CNN names"]["count"] == 1
    assert student["figures"]["places the photo network names"]["count"] == 5
    assert results["paintings"]["coverage"]["count"] == 6
    assert results["oracle"]["place"]["count"] == 10
    measured = {*student["figures"], *results["agreement"], *results["shipped"], "oracle"}
    fine = {name for name in TARGETS if "spectrum" in name}  # small pictures have no such detail
    assert set(TARGETS) - measured == fine
    json.dumps(results, allow_nan=False)

    table = summary.format_markdown(results)
    rows = [line for line in table.splitlines() if line.startswith("|")]
    assert {row.count(" | ") for row in rows} == {4}
    assert len(rows) == len(summary.summary_rows(results)) + 1
    assert "/" not in re.sub(r"<!-- /evaluation -->", "", table)  # no paths


class TestSummary:
    def results(self) -> dict:
        def figures(single: float, spread: float | None) -> dict:
            score = {"value": single, "low": 0.9, "high": 1.0, "right": 0, "count": 640}
            return {"figures": {"single": score, "seed spread, pictures to paintings": {"value": spread}}}

        return {
            "models": {"student": figures(0.985, 0.79), "teacher": figures(0.97, None)},
            "paintings": {"KID": {"value": -1.5, "standard error": 2.25}},
            "agreement": {"KID, student to teacher": {"value": None}, "Speed, student to teacher": {"value": 12.345}},
            "shipped": {"weights": {"value": 55.0}},
        }

    def test_every_figure_stands_beside_its_target_and_says_whether_it_is_reached(self):
        rows = {row[0]: row[1:] for row in summary.summary_rows(self.results())}
        assert rows["One attribute"] == ("≥ 98%", "98.5% (90%–100%) of 640 ✓", "97% (90%–100%) of 640 ✗", "–")
        assert rows["Spread of one prompt's pictures ÷ paintings under it"] == ("≥ 0.9", "0.79 ✗", "–", "–")
        assert rows["KID to fresh paintings"] == ("–", "–", "–", "-1.5 ± 2.2")
        assert rows["Speed, student to teacher"] == ("≥ 10", "12.3 ✓", "–", "–")
        assert rows["All weights together"] == ("≤ 75 MB", "55 MB ✓", "–", "–")

    def test_what_is_not_measured_has_no_row(self):
        rows = {row[0] for row in summary.summary_rows(self.results())}
        assert "KID, student to teacher" not in rows
        assert "Two attributes" not in rows

    def test_a_table_replaces_the_one_between_the_markers(self, tmp_path):
        table = f"{summary.BEGIN}\n| a |\n{summary.END}"
        card = tmp_path / "README.md"
        card.write_text("# Card\n")
        with pytest.raises(ValueError, match="<!-- evaluation -->"):
            summary.write_markdown(card, table)
        card.write_text(f"# Card\n\n{summary.BEGIN}\nold\n{summary.END}\n\nafter\n")
        summary.write_markdown(card, table)
        assert card.read_text() == f"# Card\n\n{table}\n\nafter\n"
        summary.write_markdown(tmp_path / "new.md", table)
        assert (tmp_path / "new.md").read_text() == table + "\n"


@pytest.mark.parametrize(("name", "value"), [("pictures", 1), ("references", 5), ("of_each_caption", 1), ("masked", 0)])
def test_too_few_pictures_are_refused(name, value):
    with pytest.raises(ValueError, match=f"{name} is {value}"):
        Evaluation(**{name: value})
