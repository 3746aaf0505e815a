"""Controls that steer a generation: another prompt from some step on, and a walk to another seed."""

from __future__ import annotations

import ipywidgets as widgets

WIDE = {"description_width": "initial"}


class SteeringPanel(widgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """The controls for a `Steering`; the generation explorer watches them.

    Attributes:
        later: the prompt to go on with.
        after: after which step.
        switch: the button that draws so.
        other_seed: the seed to walk to.
        share: how far, from 0 to 1.
    """

    def __init__(self) -> None:
        self.later = widgets.Text("a forest at night", description="Go on with", style=WIDE, layout={"width": "26em"})
        # Not a slider: one whose range grows still stops at the old end when one presses End.
        self.after = widgets.BoundedIntText(
            2, min=1, max=3, description="after step", style=WIDE, layout={"width": "11em"}
        )
        self.switch = widgets.Button(description="Draw so", icon="code-fork", layout={"width": "8em"})
        self.other_seed = widgets.BoundedIntText(
            1, min=0, max=2**53 - 1000, description="Walk to seed", style=WIDE, layout={"width": "15em"}
        )
        self.share = widgets.FloatSlider(
            0.0, min=0, max=1, step=0.05, description="how far", style=WIDE, readout_format=".0%"
        )
        row = {"flex_flow": "row wrap"}
        super().__init__(
            [
                widgets.HBox([self.later, self.after, self.switch], layout=row),
                widgets.HBox([self.other_seed, self.share], layout=row),
            ]
        )

    def set_steps(self, steps: int) -> None:
        """Let the prompt change after any step of a picture but the last."""
        self.after.max = max(1, steps - 1)
        self.switch.disabled = steps < 2
