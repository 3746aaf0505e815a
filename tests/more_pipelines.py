"""Random-weight pipelines beyond the four families, each with something of its own."""

from __future__ import annotations

import tiny_pipelines
import torch
from diffusers import (
    AutoencoderDC,
    AutoencoderKLFlux2,
    AutoencoderKLQwenImage,
    DDPMScheduler,
    DPMSolverMultistepScheduler,
    FlowMatchEulerDiscreteScheduler,
    Flux2KleinPipeline,
    Flux2Transformer2DModel,
    IFPipeline,
    Kandinsky3Pipeline,
    Kandinsky3UNet,
    QwenImagePipeline,
    QwenImageTransformer2DModel,
    SanaPipeline,
    SanaTransformer2DModel,
    UNet2DConditionModel,
    VQModel,
)
from transformers import (
    Gemma2Config,
    Gemma2Model,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2Tokenizer,
    Qwen3Config,
    Qwen3ForCausalLM,
)

CHAT = "{% for message in messages %}{{ message.content }}{% endfor %}"


def qwen_tokenizer() -> Qwen2Tokenizer:
    """One token a byte."""
    visible = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = [chr(code) for code in visible] + [chr(256 + index) for index in range(256 - len(visible))]
    vocab = {letter: index for index, letter in enumerate(letters)} | {"<|endoftext|>": 256}
    tokenizer = Qwen2Tokenizer(vocab=vocab, merges=[])
    tokenizer.chat_template = CHAT
    return tokenizer


def sana() -> SanaPipeline:
    """Real guidance, though its network embeds none; a picture of a size near the one asked for is resized to it."""
    torch.manual_seed(0)
    text = Gemma2Config(
        vocab_size=300,
        hidden_size=8,
        intermediate_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=4,
    )
    return SanaPipeline(
        tokenizer=qwen_tokenizer(),
        text_encoder=Gemma2Model(text),
        vae=AutoencoderDC(
            latent_channels=4,
            attention_head_dim=2,
            encoder_block_types=("ResBlock", "EfficientViTBlock"),
            decoder_block_types=("ResBlock", "EfficientViTBlock"),
            encoder_block_out_channels=(8, 8),
            decoder_block_out_channels=(8, 8),
            encoder_qkv_multiscales=((), (5,)),
            decoder_qkv_multiscales=((), (5,)),
            encoder_layers_per_block=(1, 1),
            decoder_layers_per_block=(1, 1),
            downsample_block_type="conv",
            upsample_block_type="interpolate",
            scaling_factor=0.4,
        ),
        transformer=SanaTransformer2DModel(
            patch_size=1,
            in_channels=4,
            out_channels=4,
            num_layers=1,
            num_attention_heads=2,
            attention_head_dim=4,
            num_cross_attention_heads=2,
            cross_attention_head_dim=4,
            cross_attention_dim=8,
            caption_channels=8,
            sample_size=16,
        ),
        scheduler=DPMSolverMultistepScheduler(use_flow_sigmas=True, prediction_type="flow_prediction", flow_shift=3.0),
    )


def flux2_klein(is_distilled: bool = False) -> Flux2KleinPipeline:
    """FLUX.2: latents normalised by a batch norm; guidance unless it is distilled."""
    torch.manual_seed(0)
    text = Qwen3Config(
        vocab_size=300,
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=27,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=8,
        pad_token_id=256,
    )
    pipeline = Flux2KleinPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(),
        vae=AutoencoderKLFlux2(
            down_block_types=("DownEncoderBlock2D",) * 2,
            up_block_types=("UpDecoderBlock2D",) * 2,
            block_out_channels=(8, 8),
            layers_per_block=1,
            latent_channels=1,
            norm_num_groups=1,
            sample_size=32,
        ),
        text_encoder=Qwen3ForCausalLM(text),
        tokenizer=qwen_tokenizer(),
        transformer=Flux2Transformer2DModel(
            in_channels=4,
            num_layers=1,
            num_single_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=48,
            timestep_guidance_channels=16,
            axes_dims_rope=(4, 4, 4, 4),
            guidance_embeds=False,
        ),
        is_distilled=is_distilled,
    )
    pipeline.vae.bn.running_mean.fill_(0.3)
    pipeline.vae.bn.running_var.fill_(2.0)
    return pipeline


def qwen_image() -> QwenImagePipeline:
    """Its autoencoder is one for videos; the scale of guidance is `true_cfg_scale`."""
    torch.manual_seed(0)
    config = Qwen2_5_VLConfig(
        text_config={
            "hidden_size": 16,
            "intermediate_size": 16,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "num_key_value_heads": 2,
            "rope_scaling": {"mrope_section": [1, 1, 2], "rope_type": "default", "type": "default"},
            "rope_theta": 1000000.0,
            "vocab_size": 300,
        },
        vision_config={
            "depth": 1,
            "hidden_size": 16,
            "intermediate_size": 16,
            "num_heads": 2,
            "out_hidden_size": 16,
        },
        hidden_size=16,
        vocab_size=300,
    )
    return QwenImagePipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(),
        vae=AutoencoderKLQwenImage(
            base_dim=8,
            z_dim=4,
            dim_mult=[1, 2, 4],
            num_res_blocks=1,
            temperal_downsample=[False, True],
            latents_mean=[0.1, -0.2, 0.3, 0.0],
            latents_std=[0.5, 1.0, 1.5, 2.0],
        ),
        text_encoder=Qwen2_5_VLForConditionalGeneration(config),
        tokenizer=qwen_tokenizer(),
        transformer=QwenImageTransformer2DModel(
            patch_size=2,
            in_channels=16,
            out_channels=4,
            num_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=16,
            axes_dims_rope=(8, 4, 4),
        ),
    )


def deepfloyd() -> IFPipeline:
    """DeepFloyd IF: it denoises pixels, without an autoencoder or a step callback."""
    torch.manual_seed(0)
    return IFPipeline(
        tokenizer=tiny_pipelines.t5_tokenizer(),
        text_encoder=tiny_pipelines.t5_encoder().eval(),  # without dropout, as a loaded one
        unet=UNet2DConditionModel(
            sample_size=32,
            layers_per_block=1,
            block_out_channels=(16, 32),
            down_block_types=("ResnetDownsampleBlock2D", "SimpleCrossAttnDownBlock2D"),
            mid_block_type="UNetMidBlock2DSimpleCrossAttn",
            up_block_types=("SimpleCrossAttnUpBlock2D", "ResnetUpsampleBlock2D"),
            in_channels=3,
            out_channels=6,
            cross_attention_dim=32,
            encoder_hid_dim=32,
            attention_head_dim=8,
            addition_embed_type="text",
            addition_embed_type_num_heads=2,
            cross_attention_norm="group_norm",
            resnet_time_scale_shift="scale_shift",
            act_fn="gelu",
            norm_num_groups=8,
        ),
        scheduler=DDPMScheduler(variance_type="learned_range", thresholding=True),
        safety_checker=None,
        feature_extractor=None,
        watermarker=None,
        requires_safety_checker=False,
    )


def kandinsky_3() -> Kandinsky3Pipeline:
    """Its autoencoder is called movq, and it rounds sizes up to multiples of 64."""
    torch.manual_seed(0)
    return Kandinsky3Pipeline(
        tokenizer=tiny_pipelines.t5_tokenizer(),
        text_encoder=tiny_pipelines.t5_encoder().eval(),  # without dropout, as a loaded one
        unet=Kandinsky3UNet(
            in_channels=4,
            time_embedding_dim=4,
            groups=2,
            attention_head_dim=4,
            layers_per_block=3,
            block_out_channels=(32, 64),
            cross_attention_dim=4,
            encoder_hid_dim=32,
        ),
        movq=VQModel(
            block_out_channels=(32, 64),
            down_block_types=("DownEncoderBlock2D", "AttnDownEncoderBlock2D"),
            up_block_types=("AttnUpDecoderBlock2D", "UpDecoderBlock2D"),
            latent_channels=4,
            layers_per_block=1,
            norm_num_groups=8,
            norm_type="spatial",
            num_vq_embeddings=12,
            vq_embed_dim=4,
        ),
        scheduler=DDPMScheduler(),
    )


MORE = {
    "sana": sana,
    "flux2": flux2_klein,
    "qwen-image": qwen_image,
    "deepfloyd": deepfloyd,
    "kandinsky-3": kandinsky_3,
}
