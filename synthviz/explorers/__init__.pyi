from .critic import CriticExplorer as CriticExplorer
from .features import FeatureExplorer as FeatureExplorer
from .generation import GenerationExplorer as GenerationExplorer
from .preprocessing import PreprocessingExplorer as PreprocessingExplorer
