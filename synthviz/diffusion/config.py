"""The settings of a generation, checked before any work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

LONGEST_PROMPT = 10_000  # characters

ENGINES = ("torch", "openvino")


@dataclass(frozen=True)
class GenerationConfig:
    """The settings of a generation; None takes the pipeline's own default.

    Attributes:
        prompt: what the picture should show, at most 10,000 characters, of which a model reads only the beginning; ""
            leaves the choice to the model.
        negative_prompt: what the picture should not show; "" for nothing.
        count: how many pictures, 1 to 1000.
        seed: seed of the first picture; picture i (from 0) is made from `seed + i`. 0 to 2**53 - 1000.
        steps: denoising steps, 1 to 1000.
        guidance_scale: classifier-free guidance (Ho & Salimans 2022); 1 or less switches it off. 0 to 100.
        width, height: of the picture in pixels, 16 to 4096; `generate` checks the multiples that a pipeline needs.
        scheduler: name of a compatible diffusers scheduler, such as "DDIM" or "EulerDiscreteScheduler".

    Raises:
        ValueError: for a value outside these ranges, naming it.
    """

    prompt: str
    negative_prompt: str = ""
    count: int = 3
    seed: int = 0
    steps: int | None = None
    guidance_scale: float | None = None
    width: int | None = None
    height: int | None = None
    scheduler: str | None = None

    def __post_init__(self) -> None:
        for name, text in (("prompt", self.prompt), ("negative_prompt", self.negative_prompt)):
            check_text(name, text)
        if self.scheduler is not None and (not isinstance(self.scheduler, str) or not self.scheduler):
            raise ValueError(f"scheduler is {self.scheduler!r}; it must be a scheduler's name, or None")
        for name, low, high in (("count", 1, 1000), ("seed", 0, 2**53 - 1000)):
            check_number(name, getattr(self, name), low, high, whole=True)
        for name, low, high in (("steps", 1, 1000), ("width", 16, 4096), ("height", 16, 4096)):
            if getattr(self, name) is not None:
                check_number(name, getattr(self, name), low, high, whole=True)
        if self.guidance_scale is not None:
            check_number("guidance_scale", self.guidance_scale, 0, 100, whole=False)


def check_engine(engine: str) -> None:
    """Check the name of what computes a pipeline's networks.

    Raises:
        ValueError: for another name than "torch" and "openvino".
    """
    if engine not in ENGINES:
        raise ValueError(f"engine is {engine!r}; it must be one of {', '.join(ENGINES)}")


def check_text(name: str, text: Any) -> None:
    """Check that a prompt is a text that can be written to a file.

    Raises:
        ValueError: if it is no text, longer than 10,000 characters, or holds half of a character.
    """
    if not isinstance(text, str):
        raise ValueError(f"{name} is {text!r}; it must be a text, '' for none")
    if len(text) > LONGEST_PROMPT:
        raise ValueError(f"{name} has {len(text)} characters; {LONGEST_PROMPT} are the most, and more than models read")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        half = text[error.start]
        raise ValueError(
            f"{name} holds {half!r} at character {error.start + 1}, half of a character, which is not text; remove it"
        ) from None


def check_number(name: str, value: Any, low: float, high: float, whole: bool) -> None:
    """Check that a value is a number in a range.

    Raises:
        ValueError: naming the value and the range.
    """
    kinds = (int,) if whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds) or not low <= value <= high:
        kind = "a whole number" if whole else "a number"
        raise ValueError(f"{name} is {value!r}; it must be {kind} from {low} to {high}")
