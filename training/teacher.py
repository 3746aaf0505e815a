"""The teacher: its UNet, its noise schedule, and everything that is trained together with them."""

from __future__ import annotations

import torch
from diffusers import DDIMScheduler, UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor
from torch import nn
from transformers import CLIPTextModel

from synthviz.diffusion.word_maps import TAUGHT_LAYERS
from training.autoencoder import LATENT_CHANNELS
from training.paintings import LAYOUT_CLASSES
from training.text_encoder import WIDTH
from training.word_places import KeepingProcessor

WIDTHS = (96, 160, 192)  # of the UNet's levels
LAYOUT_CHANNELS = WIDTHS[1]  # of the UNet's features from which the layout is predicted


def build_unet(latent_channels: int = LATENT_CHANNELS, latent_size: int = 32) -> UNet2DConditionModel:
    """Return the untrained UNet: three levels, with cross-attention on the two lower ones."""
    return UNet2DConditionModel(
        sample_size=latent_size,
        in_channels=latent_channels,
        out_channels=latent_channels,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        block_out_channels=WIDTHS,
        layers_per_block=1,
        cross_attention_dim=WIDTH,
        attention_head_dim=4,  # diffusers' name for the number of heads
        norm_num_groups=16,
    )


def build_scheduler() -> DDIMScheduler:
    """Return the noise schedule: scaled-linear betas with zero terminal SNR, v-prediction, trailing timesteps."""
    return DDIMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        prediction_type="v_prediction",
        rescale_betas_zero_snr=True,
        timestep_spacing="trailing",
        clip_sample=False,
        set_alpha_to_one=True,
        steps_offset=1,
    )


def use_fast_attention(unet: UNet2DConditionModel, device: torch.device) -> None:
    """Use plain matrix products for attention on a CPU, where the fused kernel's backward pass is slow."""
    if device.type == "cpu":
        unet.set_attn_processor(AttnProcessor())


class Trained(nn.Module):
    """The text encoder, the UNet and, for training only, a head that predicts the layout from the UNet's features."""

    colors: torch.Tensor

    def __init__(self, text_encoder: CLIPTextModel, unet: UNet2DConditionModel, colors: torch.Tensor) -> None:
        super().__init__()
        self.text_encoder = text_encoder
        self.register_buffer("colors", colors, persistent=False)  # (vocabulary,) bool
        self.unet = unet
        self.layout_head = nn.Conv2d(LAYOUT_CHANNELS, LAYOUT_CLASSES, 1)
        self._features: list[torch.Tensor] = []
        unet.up_blocks[1].register_forward_hook(lambda module, inputs, output: self._features.append(output))
        self._attention = [KeepingProcessor() for _ in TAUGHT_LAYERS]
        for name, processor in zip(TAUGHT_LAYERS, self._attention, strict=True):
            unet.get_submodule(name).set_processor(processor)

    def read(self, token_ids: torch.Tensor, apart: torch.Tensor) -> torch.Tensor:
        """Encode captions, given as token ids (B, tokens); return states (B, tokens, WIDTH).

        In captions whose entry in `apart`, (B,) bool, is True, only the states of colour words depend on the colours;
        all other words are encoded as if no colour were named.
        """
        is_color = self.colors[token_ids]
        padding = torch.tensor(self.text_encoder.config.pad_token_id, device=token_ids.device)
        uncolored = torch.where(is_color, padding, token_ids)
        states = self.text_encoder(token_ids).last_hidden_state
        return torch.where(
            (apart[:, None] & ~is_color)[..., None], self.text_encoder(uncolored).last_hidden_state, states
        )

    def forward(
        self, noisy: torch.Tensor, timesteps: torch.Tensor, token_ids: torch.Tensor, apart: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Run the UNet on noisy latents.

        Returns:
            The predicted velocity, like `noisy`; layout logits, (B, LAYOUT_CLASSES, H, W); and the attention from
            places to tokens, (B, H * W / 4, tokens).
        """
        self._features.clear()
        text = self.read(token_ids, apart)
        predicted = self.unet(noisy, timesteps, text).sample
        shares = torch.stack([processor.kept for processor in self._attention]).mean(dim=0)
        return predicted, self.layout_head(self._features.pop()), shares
