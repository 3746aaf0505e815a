"""Settings of the diffusion stage."""

from __future__ import annotations

from dataclasses import dataclass

SHRUNK_SHARE = 0.4  # of the budget, in which latents are shrunk
EARLY_SHARE = 0.5  # of the budget, after which a snapshot is kept
MOMENTS = (0.005, 0.02, 0.08, SHRUNK_SHARE, 0.65)  # shares of the budget after which snapshots are kept to look at


@dataclass(frozen=True)
class DiffusionTraining:
    """Settings of this stage; `minutes` counts all runs that resume one another."""

    minutes: float = 400
    batch: int = 48
    rate: float = 8e-4
    caption_dropout: float = 0.1
    strange_word_share: float = 0.1
    colors_apart_share: float = 0.5  # of captions whose other words are encoded as if no colour were named
    snr_cap: float = 5.0
    least_weight: float = 0.25
    layout_weight: float = 0.05
    word_place_weight: float = 0.02
    decoder_weight: float = 0.1  # of differences in the decoder's features
    decoder_start: float = 2 / 3  # share of the budget after which they count
    small_thing_weight: float = 3.0  # of the loss where a small thing stands, against 1 elsewhere
    text_rate_share: float = 0.1  # the text encoder's learning rate as a share of the UNet's
    uniform_share: float = 0.2  # of timesteps drawn uniformly; the others are logit-normal
    compile: bool = False
    seed: int = 0
