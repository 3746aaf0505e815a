"""Prompts and settings that other image generators wrote into their pictures.

The formats are facts about files of AUTOMATIC1111 and its relatives, ComfyUI, InvokeAI, Fooocus and NovelAI.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

PROMPT, NEGATIVE = "prompt", "negative prompt"
# The names of settings in the JSON of each program, by the names shown.
NOVELAI = {
    PROMPT: ("prompt",), NEGATIVE: ("uc",), "seed": ("seed",), "steps": ("steps",), "guidance": ("scale",),
    "sampler": ("sampler",), "width": ("width",), "height": ("height",),
}  # fmt: skip
INVOKEAI = {
    PROMPT: ("positive_prompt", "prompt"), NEGATIVE: ("negative_prompt",), "seed": ("seed",), "steps": ("steps",),
    "guidance": ("cfg_scale",), "sampler": ("scheduler", "sampler"), "model": ("model", "model_weights"),
    "width": ("width",), "height": ("height",), "version": ("app_version",),
}  # fmt: skip
FOOOCUS = {
    PROMPT: ("prompt", "Prompt"), NEGATIVE: ("negative_prompt", "Negative Prompt"), "seed": ("seed", "Seed"),
    "steps": ("steps", "Steps"), "guidance": ("guidance_scale", "Guidance Scale"), "sampler": ("sampler", "Sampler"),
    "model": ("base_model", "Base Model"), "size": ("resolution", "Resolution"), "version": ("version", "Version"),
}  # fmt: skip
SAMPLER = {
    "seed": ("seed", "noise_seed"), "steps": ("steps",), "guidance": ("cfg",), "sampler": ("sampler_name",),
    "scheduler": ("scheduler",),
}  # fmt: skip
MODEL_FILES = ("ckpt_name", "unet_name")
MOST_LINKS = 100  # nodes of a ComfyUI graph between a sampler and its prompt


@dataclass(frozen=True)
class GeneratorSettings:
    """What a program wrote about a picture.

    Attributes:
        program: its name, or that of the format.
        settings: prompt, negative prompt, seed and so on, as far as they are there.
    """

    program: str
    settings: dict[str, str]


def read_settings(texts: Mapping[str, str]) -> GeneratorSettings | None:
    """Return the settings among a picture's texts; None if no known program wrote them.

    Args:
        texts: by their place, as `picture_texts.picture_texts` returns them.
    """
    for read in (_novelai, _invokeai, _fooocus, _comfyui, _automatic1111):
        found = read(texts)
        if found is not None and found.settings:
            return found
    return None


def _novelai(texts: Mapping[str, str]) -> GeneratorSettings | None:
    if not any(text.startswith("NovelAI") for text in texts.values()):
        return None
    settings: dict[str, str] = {}
    for text in texts.values():
        settings |= _chosen(_json(text), NOVELAI)
        inner = _json(text).get("Comment")
        settings |= _chosen(_json(inner) if isinstance(inner, str) else {}, NOVELAI)
    if texts.get("Description"):
        settings = {PROMPT: texts["Description"], **settings}
    return GeneratorSettings("NovelAI", settings)


def _invokeai(texts: Mapping[str, str]) -> GeneratorSettings | None:
    for key in ("invokeai_metadata", "sd-metadata"):
        found = _json(texts.get(key, ""))
        if found:
            inner = found.get("image") if isinstance(found.get("image"), dict) else {}
            return GeneratorSettings("InvokeAI", _chosen(found, INVOKEAI) | _chosen(inner, INVOKEAI))
    if "Dream" in texts:
        return GeneratorSettings("InvokeAI", {PROMPT: texts["Dream"]})
    return None


def _fooocus(texts: Mapping[str, str]) -> GeneratorSettings | None:
    if "fooocus_scheme" not in texts and not any("Fooocus" in text for text in texts.values()):
        return None
    for text in texts.values():
        if settings := _chosen(_json(text), FOOOCUS):
            return GeneratorSettings("Fooocus", settings)
    found = _automatic1111(texts)
    return None if found is None else GeneratorSettings("Fooocus", found.settings)


def _comfyui(texts: Mapping[str, str]) -> GeneratorSettings | None:
    """Read the graph of nodes: the first sampler, and the prompts that lead to it."""
    for text in texts.values():
        graph = _json(text.removeprefix("prompt:").removeprefix("Prompt:"))
        nodes = {key: node for key, node in graph.items() if isinstance(node, dict) and "class_type" in node}
        if not nodes:
            continue
        settings: dict[str, str] = {}
        inputs = [node["inputs"] for node in nodes.values() if isinstance(node.get("inputs"), dict)]
        for sampler in inputs:
            if "positive" in sampler and _chosen(sampler, SAMPLER):
                prompts = {PROMPT: _prompt_of(nodes, sampler["positive"])}
                prompts[NEGATIVE] = _prompt_of(nodes, sampler.get("negative"))
                settings = {name: text for name, text in prompts.items() if text} | _chosen(sampler, SAMPLER)
                break
        models = [str(one[name]) for one in inputs for name in MODEL_FILES if name in one]
        return GeneratorSettings(
            "ComfyUI", settings | ({"model": models[0]} if models else {}) or {"nodes": str(len(nodes))}
        )
    return None


def _prompt_of(nodes: Mapping[str, Any], link: object) -> str:
    """Follow the links of a graph backwards to the first text; "" if there is none."""
    waiting = [link]
    for _ in range(MOST_LINKS):
        if not waiting:
            break
        here = waiting.pop(0)
        if not isinstance(here, list) or not here or str(here[0]) not in nodes:
            continue
        inputs = nodes[str(here[0])].get("inputs")
        if isinstance(inputs, dict):
            for name in ("text", "text_g", "string", "value", "prompt"):
                if isinstance(inputs.get(name), str):
                    return str(inputs[name])
            waiting += [value for value in inputs.values() if isinstance(value, list)]
    return ""


def _automatic1111(texts: Mapping[str, str]) -> GeneratorSettings | None:
    """Read the format of AUTOMATIC1111: the prompt, the negative prompt, and a last line of settings."""
    for text in texts.values():
        found = re.search(r"(?:^|\n)(Steps: \d+(?:, .*)?)\s*$", text, re.DOTALL)
        if found is None:
            continue
        prompt, _, negative = text[: found.start()].partition("Negative prompt:")
        pairs = re.findall(r'([A-Z][\w ()/-]*): ("(?:\\.|[^"\\])*"|[^,\n]*)', found[1])
        settings = {PROMPT: prompt.strip(), NEGATIVE: negative.strip()}
        settings |= {name.lower(): value.strip() for name, value in pairs}
        return GeneratorSettings(
            "AUTOMATIC1111, or a program with its format", {k: v for k, v in settings.items() if v}
        )
    return None


def _json(text: str) -> dict[str, Any]:
    """Return a text as JSON; an empty dictionary if it is none, or not a dictionary."""
    try:
        found = json.loads(text) if text[:1] == "{" else {}
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _chosen(found: Any, names: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """Return the settings of a program's JSON under the names that are shown."""
    settings = {}
    for shown, candidates in names.items():
        for name in candidates:
            value = found.get(name)
            if isinstance(value, list) and value and isinstance(value[0], dict):  # old InvokeAI's list of prompts
                value = value[0].get("prompt")
            if isinstance(value, dict):  # InvokeAI's description of a model
                value = value.get("name") or value.get("model_name")
            if isinstance(value, (str, int, float)) and value != "" and shown not in settings:
                settings[shown] = str(value)
    return settings
