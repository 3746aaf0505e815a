from . import (
    cnn as cnn,
    console as console,
    devices as devices,
    diffusion as diffusion,
    errors as errors,
    explorers as explorers,
    files as files,
    plots as plots,
    preprocessing as preprocessing,
    records as records,
    runs as runs,
    scenes as scenes,
    shipped_models as shipped_models,
    shipped_pictures as shipped_pictures,
)
from .cnn import activation_maximization as activation_maximization, attributions as attributions, features as features
from .cnn.features import capture as capture
from .cnn.network import SceneCNN as SceneCNN
from .diffusion import (
    denoising_film as denoising_film,
    generation as generation,
    pipelines as pipelines,
    word_maps as word_maps,
)
from .diffusion.config import GenerationConfig as GenerationConfig
from .diffusion.generation import (
    create_pictures as create_pictures,
    generate as generate,
    save_pictures as save_pictures,
)
from .diffusion.pipelines import load_pipeline as load_pipeline
from .preprocessing.folder import preprocess_folder as preprocess_folder
from .preprocessing.image import preprocess_image as preprocess_image
from .runs import sweeps as sweeps

__version__: str
