from . import (
    attention_recording as attention_recording,
    call_arguments as call_arguments,
    capabilities as capabilities,
    checkpoints as checkpoints,
    config as config,
    denoising_film as denoising_film,
    dry_call as dry_call,
    generation as generation,
    hub as hub,
    latents as latents,
    library_logging as library_logging,
    model_names as model_names,
    openvino as openvino,
    pictures as pictures,
    pipeline_info as pipeline_info,
    pipelines as pipelines,
    progress as progress,
    schedulers as schedulers,
    used_settings as used_settings,
    word_maps as word_maps,
)
from .capabilities import default_steps_and_guidance as default_steps_and_guidance
from .config import GenerationConfig as GenerationConfig
from .generation import (
    GeneratedPicture as GeneratedPicture,
    GenerationError as GenerationError,
    create_pictures as create_pictures,
    generate as generate,
    save_pictures as save_pictures,
)
from .pipelines import ModelLoadError as ModelLoadError, load_pipeline as load_pipeline
