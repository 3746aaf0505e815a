"""Random-weight pipelines whose network is a UNet, or several networks in a row."""

from __future__ import annotations

import inspect
from functools import partial

import diffusers
import more_pipelines
import torch
from diffusers import (
    AmusedPipeline,
    AmusedScheduler,
    DDIMParallelScheduler,
    DDIMScheduler,
    DDPMWuerstchenScheduler,
    DiffusionPipeline,
    KandinskyV22CombinedPipeline,
    LDMTextToImagePipeline,
    PriorTransformer,
    SanaSprintPipeline,
    SanaTransformer2DModel,
    SCMScheduler,
    SD3Transformer2DModel,
    StableCascadeCombinedPipeline,
    StableCascadeUNet,
    StableDiffusion3PAGPipeline,
    StableDiffusionLDM3DPipeline,
    UnCLIPScheduler,
    UNet2DConditionModel,
    UVit2DModel,
    VQModel,
    WuerstchenCombinedPipeline,
)
from diffusers.pipelines.deprecated.wuerstchen.modeling_paella_vq_model import PaellaVQModel
from diffusers.pipelines.deprecated.wuerstchen.modeling_wuerstchen_diffnext import WuerstchenDiffNeXt
from diffusers.pipelines.deprecated.wuerstchen.modeling_wuerstchen_prior import WuerstchenPrior
from diffusers.pipelines.latent_diffusion.pipeline_latent_diffusion import LDMBertConfig, LDMBertModel
from tiny_pipelines import (
    autoencoder,
    clip_config,
    clip_tokenizer,
    stable_diffusion,
    stable_diffusion_3,
    stable_diffusion_xl,
    unet,
    with_parts_of,
)
from transformers import (
    CLIPImageProcessor,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPVisionConfig,
    CLIPVisionModelWithProjection,
)


def ldm_3d() -> StableDiffusionLDM3DPipeline:
    """It draws a picture and its depth."""
    return of_stable_diffusion("StableDiffusionLDM3DPipeline")


def kandinsky_2_2() -> KandinskyV22CombinedPipeline:
    torch.manual_seed(0)
    vision = CLIPVisionConfig(
        hidden_size=32,
        image_size=32,
        projection_dim=32,
        intermediate_size=37,
        num_attention_heads=4,
        num_hidden_layers=1,
        patch_size=16,
    )
    return KandinskyV22CombinedPipeline(
        unet=UNet2DConditionModel(
            in_channels=4,
            out_channels=8,
            addition_embed_type="image",
            down_block_types=("ResnetDownsampleBlock2D", "SimpleCrossAttnDownBlock2D"),
            up_block_types=("SimpleCrossAttnUpBlock2D", "ResnetUpsampleBlock2D"),
            mid_block_type="UNetMidBlock2DSimpleCrossAttn",
            block_out_channels=(16, 32),
            layers_per_block=1,
            encoder_hid_dim=32,
            encoder_hid_dim_type="image_proj",
            cross_attention_dim=32,
            attention_head_dim=4,
            resnet_time_scale_shift="scale_shift",
            norm_num_groups=8,
        ),
        scheduler=DDIMScheduler(beta_schedule="linear", clip_sample=False),
        movq=VQModel(
            block_out_channels=(32, 32, 32, 32),
            down_block_types=("DownEncoderBlock2D",) * 3 + ("AttnDownEncoderBlock2D",),
            up_block_types=("AttnUpDecoderBlock2D",) + ("UpDecoderBlock2D",) * 3,
            latent_channels=4,
            layers_per_block=1,
            norm_num_groups=8,
            norm_type="spatial",
            num_vq_embeddings=12,
            vq_embed_dim=4,
        ),
        prior_prior=PriorTransformer(
            num_attention_heads=2, attention_head_dim=8, embedding_dim=32, num_layers=1, additional_embeddings=4
        ),
        prior_image_encoder=CLIPVisionModelWithProjection(vision),
        prior_text_encoder=CLIPTextModelWithProjection(clip_config()),
        prior_tokenizer=clip_tokenizer(),
        prior_scheduler=UnCLIPScheduler(
            variance_type="fixed_small_log",
            prediction_type="sample",
            num_train_timesteps=1000,
            clip_sample=True,
            clip_sample_range=5.0,
        ),
        prior_image_processor=CLIPImageProcessor(crop_size=32, size=32),
    )


def wuerstchen() -> WuerstchenCombinedPipeline:
    torch.manual_seed(0)
    return WuerstchenCombinedPipeline(
        tokenizer=clip_tokenizer(),
        text_encoder=CLIPTextModel(clip_config()),
        decoder=WuerstchenDiffNeXt(
            c_cond=32,
            c_hidden=[32],
            nhead=[-1],
            blocks=[1],
            level_config=["CT"],
            clip_embd=32,
            inject_effnet=[False],
        ),
        scheduler=DDPMWuerstchenScheduler(),
        vqgan=PaellaVQModel(bottleneck_blocks=1, num_vq_embeddings=2, embed_dim=16),
        prior_tokenizer=clip_tokenizer(),
        prior_text_encoder=CLIPTextModel(clip_config()),
        prior_prior=WuerstchenPrior(c_in=2, c=8, depth=1, c_cond=32, c_r=8, nhead=2),
        prior_scheduler=DDPMWuerstchenScheduler(),
    )


def stable_cascade() -> StableCascadeCombinedPipeline:
    torch.manual_seed(0)
    prior = StableCascadeUNet(
        conditioning_dim=32,
        block_out_channels=(32, 32),
        num_attention_heads=(2, 2),
        down_num_layers_per_block=(1, 1),
        up_num_layers_per_block=(1, 1),
        switch_level=(False,),
        clip_image_in_channels=32,
        clip_text_in_channels=32,
        clip_text_pooled_in_channels=32,
        dropout=(0.0, 0.0),
        block_types_per_layer=(("SDCascadeResBlock", "SDCascadeTimestepBlock", "SDCascadeAttnBlock"),) * 2,
        down_blocks_repeat_mappers=(1, 1),
        up_blocks_repeat_mappers=(1, 1),
    )
    decoder = StableCascadeUNet(
        in_channels=4,
        out_channels=4,
        conditioning_dim=32,
        block_out_channels=(16, 32),
        num_attention_heads=(-1, 2),
        down_num_layers_per_block=(1, 1),
        up_num_layers_per_block=(1, 1),
        down_blocks_repeat_mappers=(1, 1),
        up_blocks_repeat_mappers=(1, 1),
        block_types_per_layer=(
            ("SDCascadeResBlock", "SDCascadeTimestepBlock"),
            ("SDCascadeResBlock", "SDCascadeTimestepBlock", "SDCascadeAttnBlock"),
        ),
        switch_level=None,
        clip_text_pooled_in_channels=32,
        dropout=(0.1, 0.1),
    )
    return StableCascadeCombinedPipeline(
        tokenizer=clip_tokenizer(),
        text_encoder=CLIPTextModelWithProjection(clip_config()),
        decoder=decoder,
        scheduler=DDPMWuerstchenScheduler(),
        vqgan=PaellaVQModel(bottleneck_blocks=1, num_vq_embeddings=2, embed_dim=16),
        prior_prior=prior,
        prior_text_encoder=CLIPTextModelWithProjection(clip_config()),
        prior_tokenizer=clip_tokenizer(),
        prior_scheduler=DDPMWuerstchenScheduler(),
    )


def amused() -> AmusedPipeline:
    """It fills in the codes of a quantised picture, and has no step callback."""
    torch.manual_seed(0)
    return AmusedPipeline(
        vqvae=VQModel(
            act_fn="silu",
            block_out_channels=[8],
            down_block_types=["DownEncoderBlock2D"],
            up_block_types=["UpDecoderBlock2D"],
            latent_channels=8,
            layers_per_block=1,
            norm_num_groups=8,
            num_vq_embeddings=8,
            sample_size=32,
            mid_block_add_attention=False,
            lookup_from_codebook=True,
        ),
        tokenizer=clip_tokenizer(),
        text_encoder=CLIPTextModelWithProjection(clip_config()),
        transformer=UVit2DModel(
            hidden_size=8,
            use_bias=False,
            cond_embed_dim=32,
            micro_cond_encode_dim=2,
            micro_cond_embed_dim=10,
            encoder_hidden_size=32,
            vocab_size=9,
            codebook_size=8,
            in_channels=8,
            block_out_channels=8,
            num_res_blocks=1,
            downsample=True,
            upsample=True,
            block_num_heads=1,
            num_hidden_layers=1,
            num_attention_heads=1,
            intermediate_size=16,
            sample_size=32,
        ),
        scheduler=AmusedScheduler(mask_token_id=8),
    )


def sana_sprint() -> SanaSprintPipeline:
    """A consistency model, whose network embeds the guidance."""
    parts = more_pipelines.sana().components
    config = {name: value for name, value in parts["transformer"].config.items() if not name.startswith("_")}
    config |= {"guidance_embeds": True, "sample_size": 32, "qk_norm": "rms_norm_across_heads"}
    torch.manual_seed(0)
    return SanaSprintPipeline(**{**parts, "transformer": SanaTransformer2DModel(**config), "scheduler": SCMScheduler()})


def latent_diffusion() -> LDMTextToImagePipeline:
    """One of the first pipelines, which draws one picture for each prompt."""
    torch.manual_seed(0)
    config = LDMBertConfig(vocab_size=100, encoder_layers=1, encoder_ffn_dim=16, encoder_attention_heads=2, d_model=32)
    return LDMTextToImagePipeline(
        vqvae=autoencoder(),
        bert=LDMBertModel(config),
        tokenizer=clip_tokenizer(),
        unet=unet(cross_attention_dim=32),
        scheduler=DDIMScheduler(),
    )


def of_stable_diffusion(kind: str, **others) -> DiffusionPipeline:
    """Another pipeline with the parts of a Stable Diffusion."""
    takes = inspect.signature(getattr(diffusers, kind).__init__).parameters
    left_out = () if "image_encoder" in takes else ("image_encoder",)
    return with_parts_of(stable_diffusion, kind, left_out, **{"requires_safety_checker": False, **others})


def perturbed_sd_3() -> StableDiffusion3PAGPipeline:
    """It perturbs the second block, which the small network does not have."""
    config = {**stable_diffusion_3().transformer.config, "num_layers": 2}
    left_out = ("image_encoder", "feature_extractor", "transformer")
    transformer = SD3Transformer2DModel.from_config(config)
    return with_parts_of(stable_diffusion_3, "StableDiffusion3PAGPipeline", left_out, transformer=transformer)


UNETS = {
    "kandinsky-2.2": kandinsky_2_2,
    "amused": amused,
    "sana-sprint": sana_sprint,
    "pag": partial(of_stable_diffusion, "StableDiffusionPAGPipeline"),
    "pag-xl": partial(with_parts_of, stable_diffusion_xl, "StableDiffusionXLPAGPipeline"),
    "pag-3": perturbed_sd_3,
    "sag": partial(of_stable_diffusion, "StableDiffusionSAGPipeline"),
    "panorama": partial(of_stable_diffusion, "StableDiffusionPanoramaPipeline"),
    "semantic": partial(of_stable_diffusion, "SemanticStableDiffusionPipeline"),
    "model-editing": partial(of_stable_diffusion, "StableDiffusionModelEditingPipeline"),
    "paradigms": partial(
        of_stable_diffusion, "StableDiffusionParadigmsPipeline", scheduler=DDIMParallelScheduler(clip_sample=False)
    ),
}
