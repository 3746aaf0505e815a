"""The oracle knows the right answers."""

from __future__ import annotations

from dataclasses import asdict, replace

from synthviz.scenes import Group, Scene
from training.oracle import IGNORED, QUESTIONS as ORACLE_QUESTIONS, answers, encode_answers


def test_the_right_answers_about_a_scene():
    scene = Scene(
        "ocean", "dusk", body="moon", body_side="left", water=True, things=(Group("boat", "red", 1, "right"),)
    )
    right = answers(asdict(scene))
    assert right["body side"] == "left"
    assert (right["boat count"], right["boat color"], right["boat side"]) == ("1", "red", "right")
    assert right["bird count"] == "0"
    assert right["style"] == "flat"
    assert "style" not in answers(asdict(replace(scene, style="natural")))
    assert "bird color" not in right
    encoded = dict(zip(ORACLE_QUESTIONS, encode_answers(right), strict=True))
    assert encoded["bird color"] == IGNORED
    assert ORACLE_QUESTIONS["time"][encoded["time"]] == "dusk"
