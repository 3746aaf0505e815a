from . import (
    activation_maximization as activation_maximization,
    architecture as architecture,
    attributions as attributions,
    feature_statistics as feature_statistics,
    features as features,
    flux_weights as flux_weights,
    layouts as layouts,
    model_calls as model_calls,
    network as network,
    predictions as predictions,
)
from .architecture import describe_architecture as describe_architecture
from .feature_statistics import (
    channel_statistics as channel_statistics,
    normalize_maps as normalize_maps,
    strongest_channels as strongest_channels,
)
from .features import capture as capture
from .network import SceneCNN as SceneCNN
from .predictions import Prediction as Prediction, predict as predict
