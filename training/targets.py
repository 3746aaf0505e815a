"""The targets of the evaluation, all in one place, by the names that figures have in its results."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """What a figure should reach: at least `least`, at most `most`, or both.

    Attributes:
        least: the smallest value that reaches the target, or None.
        most: the largest value that reaches the target, or None.
        unit: how values are written: "%" for shares from 0 to 1, else what follows the number, such as " dB".
    """

    least: float | None = None
    most: float | None = None
    unit: str = ""

    def reached(self, value: float | None) -> bool:
        """Tell whether a value reaches the target; a missing one does not."""
        if value is None:
            return False
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)

    def __str__(self) -> str:
        """Write the target, such as "≥ 98%" or "0.9 to 1.1"."""
        least, most = (None if limit is None else with_unit(limit, self.unit) for limit in (self.least, self.most))
        if least is None:
            return f"≤ {most}"
        return f"≥ {least}" if most is None else f"{least} to {most}"


def with_unit(value: float, unit: str, digits: int = 3) -> str:
    """Write a value with its unit, shares as percentages with `digits` digits."""
    return f"{100 * value:.{digits}g}%" if unit == "%" else f"{value:.{digits}g}{unit}"


TARGETS = {
    "single": Target(least=0.98, unit="%"),
    "two": Target(least=0.95, unit="%"),
    "color": Target(least=0.93, unit="%"),
    "position": Target(least=0.93, unit="%"),
    "counting": Target(least=0.85, unit="%"),
    "held-out to seen": Target(least=0.9),
    "places the CNN names": Target(least=0.95, unit="%"),
    "places the photo network names": Target(least=0.8, unit="%"),
    "named places, pictures to paintings": Target(least=0.9),
    "seed spread, pictures to paintings": Target(least=0.9),
    "spectrum 32-64": Target(least=0.9, most=1.1),
    "spectrum 64-96": Target(least=0.8),
    "spectrum 96-128": Target(least=0.5),
    "density": Target(least=0.8),
    "coverage": Target(least=0.8, unit="%"),
    "autoencoder PSNR": Target(least=29, unit=" dB"),
    "autoencoder spectrum 64-96": Target(least=0.85),
    "autoencoder spectrum 96-128": Target(least=0.6),
    "unknown words": Target(most=1 / 8),
    "word maps": Target(least=0.65),
    "Accuracy, student to teacher": Target(least=0.98),
    "KID, student to teacher": Target(most=1.25),
    "Speed, student to teacher": Target(least=10),
    "Seconds for one picture, student": Target(most=0.3, unit=" s"),
    "weights": Target(most=75, unit=" MB"),
    "largest file": Target(most=16, unit=" MiB"),
    "oracle": Target(least=0.995, unit="%"),
}
