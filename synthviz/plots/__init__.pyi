from .attribution_maps import attributions as attributions, receptive_fields as receptive_fields
from .denoising import contact_sheet as contact_sheet, word_map_over_time as word_map_over_time, word_maps as word_maps
from .diagrams import (
    network_diagram as network_diagram,
    pipeline_diagram as pipeline_diagram,
    sliding_filter as sliding_filter,
    unet_diagram as unet_diagram,
)
from .feature_map_grids import (
    compare_feature_maps as compare_feature_maps,
    feature_maps as feature_maps,
    filters as filters,
)
from .input_views import input_visualizations as input_visualizations
from .layout import add_caption as add_caption, new_figure as new_figure, save_figure as save_figure
from .pictures import picture_grid as picture_grid
from .predictions import (
    class_probabilities as class_probabilities,
    compare_class_probabilities as compare_class_probabilities,
)
from .preprocessing import side_by_side as side_by_side, stages as stages, verification as verification
