"""Random-weight pipelines whose network is a transformer, small enough to build in a moment."""

from __future__ import annotations

from functools import partial

import torch
from diffusers import (
    AuraFlowPipeline,
    AuraFlowTransformer2DModel,
    AutoencoderKLHunyuanImage,
    BriaPipeline,
    BriaTransformer2DModel,
    ChromaPipeline,
    ChromaTransformer2DModel,
    CogVideoXDDIMScheduler,
    CogView3PlusPipeline,
    CogView3PlusTransformer2DModel,
    CogView4Pipeline,
    CogView4Transformer2DModel,
    DDPMScheduler,
    DiffusionPipeline,
    DPMSolverMultistepScheduler,
    FlowMatchEulerDiscreteScheduler,
    HiDreamImagePipeline,
    HiDreamImageTransformer2DModel,
    HunyuanDiT2DModel,
    HunyuanDiTPipeline,
    HunyuanImagePipeline,
    HunyuanImageTransformer2DModel,
    Ideogram4Pipeline,
    Kandinsky5T2IPipeline,
    Kandinsky5Transformer3DModel,
    Krea2Pipeline,
    Krea2Transformer2DModel,
    LongCatImagePipeline,
    LongCatImageTransformer2DModel,
    Lumina2Pipeline,
    Lumina2Transformer2DModel,
    LuminaNextDiT2DModel,
    LuminaPipeline,
    OmniGenPipeline,
    OmniGenTransformer2DModel,
    OvisImagePipeline,
    OvisImageTransformer2DModel,
    PixArtAlphaPipeline,
    PixArtSigmaPipeline,
    PixArtTransformer2DModel,
    ZImagePipeline,
    ZImageTransformer2DModel,
)
from diffusers.models.transformers.transformer_ideogram4 import Ideogram4Transformer2DModel
from more_pipelines import CHAT, flux2_klein, qwen_image, qwen_tokenizer, sana
from tiny_pipelines import LETTERS, autoencoder, clip_config, clip_tokenizer, t5_encoder, t5_tokenizer, with_parts_of
from transformers import (
    BertConfig,
    BertModel,
    BertTokenizer,
    ByT5Tokenizer,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    Gemma2Config,
    Gemma2Model,
    GlmConfig,
    GlmModel,
    LlamaConfig,
    LlamaForCausalLM,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2VLImageProcessor,
    Qwen2VLProcessor,
    Qwen2VLVideoProcessor,
    Qwen3Config,
    Qwen3Model,
    Qwen3VLConfig,
    Qwen3VLModel,
    T5Config,
    T5EncoderModel,
)

SMALL = {
    "vocab_size": 300,
    "hidden_size": 16,
    "intermediate_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "pad_token_id": 256,
}


def pixart(kind: type = PixArtAlphaPipeline) -> DiffusionPipeline:
    torch.manual_seed(0)
    return kind(
        tokenizer=t5_tokenizer(),
        text_encoder=t5_encoder(),
        vae=autoencoder(halvings=3),
        transformer=PixArtTransformer2DModel(
            sample_size=32,
            num_layers=1,
            patch_size=2,
            attention_head_dim=8,
            num_attention_heads=2,
            in_channels=4,
            out_channels=8,
            cross_attention_dim=16,
            caption_channels=32,
            activation_fn="gelu-approximate",
            norm_type="ada_norm_single",
            norm_elementwise_affine=False,
            norm_eps=1e-6,
            use_additional_conditions=False,
        ),
        scheduler=DPMSolverMultistepScheduler(),
    )


def pixart_sigma() -> PixArtSigmaPipeline:
    return pixart(PixArtSigmaPipeline)


def perturbed_pixart() -> DiffusionPipeline:
    """It perturbs the second block, which the small network does not have."""
    torch.manual_seed(0)
    transformer = PixArtTransformer2DModel.from_config({**pixart_sigma().transformer.config, "num_layers": 2})
    return with_parts_of(pixart_sigma, "PixArtSigmaPAGPipeline", transformer=transformer)


def lumina() -> LuminaPipeline:
    torch.manual_seed(0)
    return LuminaPipeline(
        transformer=LuminaNextDiT2DModel(
            sample_size=16,
            patch_size=2,
            in_channels=4,
            hidden_size=24,
            num_layers=1,
            num_attention_heads=3,
            num_kv_heads=1,
            multiple_of=16,
            ffn_dim_multiplier=1.0,
            learn_sigma=True,
            qk_norm=True,
            cross_attention_dim=16,
            scaling_factor=1.0,
        ),
        vae=autoencoder(halvings=3),
        scheduler=FlowMatchEulerDiscreteScheduler(),
        text_encoder=Gemma2Model(Gemma2Config(**SMALL)),
        tokenizer=t5_tokenizer(),
    )


def lumina_2() -> Lumina2Pipeline:
    torch.manual_seed(0)
    return Lumina2Pipeline(
        transformer=Lumina2Transformer2DModel(
            sample_size=16,
            patch_size=2,
            in_channels=4,
            hidden_size=24,
            num_layers=1,
            num_refiner_layers=1,
            num_attention_heads=3,
            num_kv_heads=1,
            multiple_of=2,
            axes_dim_rope=(4, 2, 2),
            axes_lens=(300, 64, 64),
            cap_feat_dim=16,
        ),
        vae=autoencoder(halvings=3, shift_factor=0.06),
        scheduler=FlowMatchEulerDiscreteScheduler(),
        text_encoder=Gemma2Model(Gemma2Config(**SMALL)),
        tokenizer=qwen_tokenizer(),
    )


def hidream() -> HiDreamImagePipeline:
    """It draws at its own size; with an autoencoder that does not shrink pictures this is a small one."""
    torch.manual_seed(0)
    return HiDreamImagePipeline(
        transformer=HiDreamImageTransformer2DModel(
            patch_size=2,
            in_channels=4,
            out_channels=4,
            num_layers=1,
            num_single_layers=1,
            attention_head_dim=8,
            num_attention_heads=4,
            caption_channels=[32, 16],
            text_emb_dim=64,
            num_routed_experts=4,
            num_activated_experts=2,
            axes_dims_rope=(4, 2, 2),
            max_resolution=(32, 32),
            llama_layers=(0, 1),
        ),
        vae=autoencoder(halvings=0, shift_factor=0.1, scaling_factor=0.4),
        scheduler=FlowMatchEulerDiscreteScheduler(),
        text_encoder=CLIPTextModelWithProjection(clip_config(max_position_embeddings=128)),
        tokenizer=clip_tokenizer(),
        text_encoder_2=CLIPTextModelWithProjection(clip_config(max_position_embeddings=128)),
        tokenizer_2=clip_tokenizer(),
        text_encoder_3=t5_encoder(),
        tokenizer_3=t5_tokenizer(),
        text_encoder_4=LlamaForCausalLM(LlamaConfig(**SMALL)),
        tokenizer_4=qwen_tokenizer(),
    )


def z_image() -> ZImagePipeline:
    torch.manual_seed(0)
    pipeline = ZImagePipeline(
        transformer=ZImageTransformer2DModel(
            all_patch_size=(2,),
            all_f_patch_size=(1,),
            in_channels=16,
            dim=32,
            n_layers=1,
            n_refiner_layers=1,
            n_heads=2,
            n_kv_heads=2,
            cap_feat_dim=16,
            axes_dims=[8, 4, 4],
            axes_lens=[256, 64, 64],
        ),
        vae=autoencoder(16, halvings=3, shift_factor=0.1, scaling_factor=0.4),
        scheduler=FlowMatchEulerDiscreteScheduler(),
        text_encoder=Qwen3Model(Qwen3Config(**SMALL)),
        tokenizer=qwen_tokenizer(),
    )
    for token in (pipeline.transformer.x_pad_token, pipeline.transformer.cap_pad_token):
        torch.nn.init.ones_(token)  # they are not initialised
    return pipeline


def hunyuan_dit() -> HunyuanDiTPipeline:
    """It draws only in a few sizes."""
    torch.manual_seed(0)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *LETTERS, *(f"##{letter}" for letter in LETTERS)]
    return HunyuanDiTPipeline(
        vae=autoencoder(halvings=3),
        text_encoder=BertModel(
            BertConfig(vocab_size=100, hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16)
        ),
        tokenizer=BertTokenizer(vocab={word: index for index, word in enumerate(words)}),
        transformer=HunyuanDiT2DModel(
            sample_size=16,
            num_layers=2,
            patch_size=2,
            attention_head_dim=8,
            num_attention_heads=3,
            in_channels=4,
            cross_attention_dim=32,
            cross_attention_dim_t5=32,
            pooled_projection_dim=16,
            hidden_size=24,
            activation_fn="gelu-approximate",
        ),
        scheduler=DDPMScheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
        text_encoder_2=t5_encoder(),
        tokenizer_2=t5_tokenizer(),
    )


def qwen_vl() -> Qwen2_5_VLForConditionalGeneration:
    text = {name: value for name, value in SMALL.items() if name != "head_dim"}
    rope = {"mrope_section": [1, 1, 2], "rope_type": "default", "type": "default"}
    vision = {"depth": 1, "hidden_size": 16, "intermediate_size": 16, "num_heads": 2, "out_hidden_size": 16}
    return Qwen2_5_VLForConditionalGeneration(
        Qwen2_5_VLConfig(text_config={**text, "rope_scaling": rope, "rope_theta": 1e6}, vision_config=vision)
    )


def qwen3_vl(layers: int) -> Qwen3VLModel:
    rope = {"mrope_section": [2, 1, 1], "rope_type": "default", "mrope_interleaved": True}
    vision = {"depth": 1, "hidden_size": 16, "intermediate_size": 16, "num_heads": 2, "out_hidden_size": 16}
    return Qwen3VLModel(
        Qwen3VLConfig(
            text_config={**SMALL, "num_hidden_layers": layers, "rope_scaling": rope},
            vision_config={**vision, "deepstack_visual_indexes": [0]},
        )
    )


def hunyuan_image(guidance_embeds: bool = False) -> HunyuanImagePipeline:
    torch.manual_seed(0)
    glyphs = T5Config(vocab_size=384, d_model=32, d_kv=8, d_ff=16, num_layers=1, num_heads=2)
    return HunyuanImagePipeline(
        transformer=HunyuanImageTransformer2DModel(
            in_channels=4,
            out_channels=4,
            num_attention_heads=4,
            attention_head_dim=8,
            num_layers=1,
            num_single_layers=1,
            num_refiner_layers=1,
            patch_size=(1, 1),
            guidance_embeds=guidance_embeds,
            text_embed_dim=16,
            text_embed_2_dim=32,
            rope_axes_dim=(4, 4),
        ),
        vae=AutoencoderKLHunyuanImage(
            in_channels=3,
            out_channels=3,
            latent_channels=4,
            block_out_channels=(32, 32),
            layers_per_block=1,
            spatial_compression_ratio=2,
            sample_size=32,
            scaling_factor=0.5,
        ),
        scheduler=FlowMatchEulerDiscreteScheduler(shift=7.0),
        text_encoder=qwen_vl(),
        tokenizer=qwen_tokenizer(),
        text_encoder_2=T5EncoderModel(glyphs),
        tokenizer_2=ByT5Tokenizer(),
    )


def cogview_3() -> CogView3PlusPipeline:
    torch.manual_seed(0)
    return CogView3PlusPipeline(
        tokenizer=t5_tokenizer(),
        text_encoder=t5_encoder(),
        vae=autoencoder(halvings=3),
        transformer=CogView3PlusTransformer2DModel(
            patch_size=2,
            in_channels=4,
            num_layers=1,
            attention_head_dim=4,
            num_attention_heads=2,
            out_channels=4,
            text_embed_dim=32,
            time_embed_dim=8,
            condition_dim=2,
            pos_embed_max_size=32,
            sample_size=16,
        ),
        scheduler=CogVideoXDDIMScheduler(),
    )


def cogview_4() -> CogView4Pipeline:
    torch.manual_seed(0)
    return CogView4Pipeline(
        tokenizer=t5_tokenizer(),
        text_encoder=GlmModel(GlmConfig(**SMALL)),
        vae=autoencoder(halvings=3),
        transformer=CogView4Transformer2DModel(
            patch_size=2,
            in_channels=4,
            num_layers=1,
            attention_head_dim=8,
            num_attention_heads=2,
            out_channels=4,
            text_embed_dim=16,
            time_embed_dim=8,
            condition_dim=4,
            sample_size=16,
        ),
        scheduler=FlowMatchEulerDiscreteScheduler(),
    )


def chroma() -> ChromaPipeline:
    torch.manual_seed(0)
    return ChromaPipeline(
        vae=autoencoder(1, halvings=3, shift_factor=0.06, scaling_factor=1.5),
        text_encoder=t5_encoder(),
        tokenizer=t5_tokenizer(),
        transformer=ChromaTransformer2DModel(
            patch_size=1,
            in_channels=4,
            num_layers=1,
            num_single_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=32,
            axes_dims_rope=(4, 4, 8),
            approximator_num_channels=8,
            approximator_hidden_dim=16,
            approximator_layers=1,
        ),
        scheduler=FlowMatchEulerDiscreteScheduler(),
    )


def aura_flow() -> AuraFlowPipeline:
    torch.manual_seed(0)
    return AuraFlowPipeline(
        tokenizer=t5_tokenizer(),
        text_encoder=t5_encoder(),
        vae=autoencoder(halvings=3),
        transformer=AuraFlowTransformer2DModel(
            sample_size=16,
            patch_size=2,
            in_channels=4,
            num_mmdit_layers=1,
            num_single_dit_layers=1,
            attention_head_dim=8,
            num_attention_heads=4,
            caption_projection_dim=32,
            joint_attention_dim=32,
            out_channels=4,
            pos_embed_max_size=1024,
        ),
        scheduler=FlowMatchEulerDiscreteScheduler(),
    )


def omnigen() -> OmniGenPipeline:
    """Only the noise levels that it gives its scheduler can be used."""
    torch.manual_seed(0)
    return OmniGenPipeline(
        transformer=OmniGenTransformer2DModel(
            in_channels=4,
            patch_size=2,
            hidden_size=16,
            num_layers=1,
            num_attention_heads=4,
            num_key_value_heads=4,
            intermediate_size=32,
            pad_token_id=0,
            vocab_size=300,
            rope_scaling={"long_factor": [1.0, 1.0], "short_factor": [1.0, 1.0], "type": "su"},
            pos_embed_max_size=64,
            time_step_dim=16,
        ),
        scheduler=FlowMatchEulerDiscreteScheduler(invert_sigmas=True, num_train_timesteps=1),
        vae=autoencoder(halvings=3),
        tokenizer=qwen_tokenizer(),
    )


def bria() -> BriaPipeline:
    """Its code asks other schedulers than its own to scale the latents."""
    torch.manual_seed(0)
    return BriaPipeline(
        transformer=BriaTransformer2DModel(
            patch_size=1,
            in_channels=16,
            num_layers=1,
            num_single_layers=1,
            attention_head_dim=8,
            num_attention_heads=2,
            joint_attention_dim=32,
            axes_dims_rope=[0, 4, 4],
        ),
        scheduler=FlowMatchEulerDiscreteScheduler(),
        vae=autoencoder(halvings=3, shift_factor=0.0),
        text_encoder=t5_encoder(),
        tokenizer=t5_tokenizer(),
    )


def ovis() -> OvisImagePipeline:
    torch.manual_seed(0)
    return OvisImagePipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(),
        vae=autoencoder(1, halvings=3, shift_factor=0.1, scaling_factor=0.4),
        text_encoder=Qwen3Model(Qwen3Config(**SMALL)),
        tokenizer=qwen_tokenizer(),
        transformer=OvisImageTransformer2DModel(
            patch_size=1,
            in_channels=4,
            out_channels=4,
            num_layers=1,
            num_single_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=16,
            axes_dims_rope=(4, 4, 8),
        ),
    )


def longcat() -> LongCatImagePipeline:
    """It rewrites the prompt first."""
    torch.manual_seed(0)
    return LongCatImagePipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(),
        vae=autoencoder(16, halvings=3, shift_factor=0.1, scaling_factor=0.4),
        text_encoder=qwen_vl(),
        tokenizer=qwen_tokenizer(),
        text_processor=Qwen2VLProcessor(
            Qwen2VLImageProcessor(), qwen_tokenizer(), Qwen2VLVideoProcessor(), chat_template=CHAT
        ),
        transformer=LongCatImageTransformer2DModel(
            patch_size=1,
            in_channels=64,
            num_layers=1,
            num_single_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=16,
            pooled_projection_dim=16,
            axes_dims_rope=[4, 4, 8],
        ),
    )


def krea() -> Krea2Pipeline:
    """Its index holds a list of layers, which are no part of it."""
    torch.manual_seed(0)
    return Krea2Pipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(),
        vae=qwen_image().vae,
        text_encoder=qwen3_vl(layers=2),
        tokenizer=qwen_tokenizer(),
        transformer=Krea2Transformer2DModel(
            in_channels=16,
            num_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            num_key_value_heads=1,
            intermediate_size=16,
            timestep_embed_dim=16,
            text_hidden_dim=16,
            num_text_layers=2,
            text_num_attention_heads=2,
            text_num_key_value_heads=2,
            text_intermediate_size=16,
            num_layerwise_text_blocks=1,
            num_refiner_text_blocks=1,
            axes_dims_rope=(8, 4, 4),
        ),
        text_encoder_select_layers=(1, 2),
    )


def ideogram() -> Ideogram4Pipeline:
    """Two networks, and a guidance scale for each of 48 steps."""
    torch.manual_seed(0)
    networks = [
        Ideogram4Transformer2DModel(
            in_channels=4,
            num_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            intermediate_size=16,
            adaln_dim=8,
            llm_features_dim=16 * 13,
            mrope_section=(4, 2, 2),
        )
        for _ in range(2)
    ]
    return Ideogram4Pipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(),
        vae=flux2_klein().vae,
        text_encoder=qwen3_vl(layers=36),
        tokenizer=qwen_tokenizer(),
        transformer=networks[0],
        unconditional_transformer=networks[1],
    )


def kandinsky_5() -> Kandinsky5T2IPipeline:
    """Its output has an `image`, and it draws only in a few sizes."""
    torch.manual_seed(0)
    return Kandinsky5T2IPipeline(
        transformer=Kandinsky5Transformer3DModel(
            in_visual_dim=4,
            in_text_dim=16,
            in_text_dim2=32,
            time_dim=16,
            out_visual_dim=4,
            patch_size=(1, 2, 2),
            model_dim=16,
            ff_dim=32,
            num_text_blocks=1,
            num_visual_blocks=1,
            axes_dims=(4, 2, 2),
        ),
        vae=autoencoder(halvings=3),
        text_encoder=qwen_vl(),
        tokenizer=qwen_tokenizer(),
        text_encoder_2=CLIPTextModel(clip_config()),
        tokenizer_2=clip_tokenizer(),
        scheduler=FlowMatchEulerDiscreteScheduler(),
    )


TRANSFORMERS = {
    "pixart-alpha": pixart,
    "pixart-sigma": pixart_sigma,
    "lumina": lumina,
    "lumina-2": lumina_2,
    "hidream": hidream,
    "z-image": z_image,
    "hunyuan-dit": hunyuan_dit,
    "hunyuan-image": hunyuan_image,
    "cogview-3": cogview_3,
    "cogview-4": cogview_4,
    "chroma": chroma,
    "aura-flow": aura_flow,
    "omnigen": omnigen,
    "bria": bria,
    "ovis": ovis,
    "longcat": longcat,
    "krea": krea,
    "ideogram": ideogram,
    "kandinsky-5": kandinsky_5,
    "pag-pixart": perturbed_pixart,
    "pag-sana": partial(with_parts_of, sana, "SanaPAGPipeline"),
    "pag-hunyuan-dit": partial(with_parts_of, hunyuan_dit, "HunyuanDiTPAGPipeline", requires_safety_checker=False),
}
