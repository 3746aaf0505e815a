"""Widgets to play with, for notebooks: everything they show can be had from the library without them."""

from synthviz.explorers.features import FeatureExplorer
from synthviz.explorers.generation import GenerationExplorer
from synthviz.explorers.preprocessing import PreprocessingExplorer

__all__ = ["FeatureExplorer", "GenerationExplorer", "PreprocessingExplorer"]
