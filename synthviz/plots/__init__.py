"""Every figure, built with matplotlib's `Figure` and returned, never shown."""

from synthviz.plots.attributions import attributions, receptive_fields
from synthviz.plots.denoising import contact_sheet, word_map_over_time, word_maps
from synthviz.plots.feature_maps import compare_feature_maps, feature_maps, filters
from synthviz.plots.input_views import input_visualizations
from synthviz.plots.layout import add_caption, new_figure, save_figure
from synthviz.plots.pictures import picture_grid
from synthviz.plots.predictions import class_probabilities, compare_class_probabilities
from synthviz.plots.preprocessing import side_by_side, stages, verification

__all__ = [
    "add_caption",
    "attributions",
    "class_probabilities",
    "compare_class_probabilities",
    "compare_feature_maps",
    "contact_sheet",
    "feature_maps",
    "filters",
    "input_visualizations",
    "new_figure",
    "picture_grid",
    "receptive_fields",
    "save_figure",
    "side_by_side",
    "stages",
    "verification",
    "word_map_over_time",
    "word_maps",
]
