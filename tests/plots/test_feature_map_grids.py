"""plots/feature_map_grids.py."""

import matplotlib
import matplotlib._pylab_helpers
import numpy as np
import pytest
import torch
from matplotlib.patches import Rectangle

from synthviz import plots
from synthviz.cnn.feature_statistics import normalize_maps
from synthviz.plots.feature_map_grids import grid_shape


@pytest.fixture
def maps():
    return torch.rand(1, 16, 20, 20, generator=torch.Generator().manual_seed(0)) + 1


def caption(figure):
    return " ".join(figure.get_supxlabel().split())


def tile(figure, channel, columns, side, gap, axes=0):
    mosaic = figure.axes[axes].images[0].get_array()
    top, left = channel // columns * (side + gap), channel % columns * (side + gap)
    return mosaic[top : top + side, left : left + side]


def in_colors(image):
    """Return the colours of an image in [0, 1] in viridis, as bytes."""
    return matplotlib.colormaps["viridis"](image, bytes=True)


def test_each_tile_shows_its_channel(maps):
    figure = plots.feature_maps(maps)
    images = normalize_maps(maps).images.numpy()
    for channel in range(16):
        np.testing.assert_array_equal(tile(figure, channel, 4, 20, 1), in_colors(images[channel]))
    mosaic = figure.axes[0].images[0].get_array()
    assert mosaic.shape == (83, 83, 4)
    assert np.count_nonzero(mosaic[..., 3]) == 16 * 400  # the gaps are transparent


def test_wide_mosaics_are_filled_row_by_row(maps):
    figure = plots.feature_maps(maps[:, :8])  # 2×4
    images = normalize_maps(maps).images.numpy()
    for channel in range(8):
        np.testing.assert_array_equal(tile(figure, channel, 4, 20, 1), in_colors(images[channel]))
    assert figure.axes[0].images[0].get_array().shape == (41, 83, 4)


def test_channels_are_numbered(maps):
    texts = figure_texts(plots.feature_maps(maps))
    assert texts == [str(channel) for channel in range(16)]


@pytest.mark.parametrize("shape", [(1, 13, 20, 20), (1, 128, 7, 9), (1, 2, 222, 222)])
def test_channel_numbers_are_inside_their_boxes(shape):
    figure = plots.feature_maps(torch.rand(shape))
    axes = figure.axes[0]
    figure.canvas.draw()
    boxes = [axes.transData.transform(path.vertices) for path in axes.collections[0].get_paths()]
    for box, text in zip(boxes, axes.texts, strict=True):
        extent = text.get_window_extent()
        assert box[:, 0].min() <= extent.x0 < extent.x1 <= box[:, 0].max()
        assert box[:, 1].min() - 2 <= extent.y0 < extent.y1 <= box[:, 1].max()  # pixels; digits have no descender


def figure_texts(figure):
    return [text.get_text() for text in figure.axes[0].texts]


def test_channels_without_a_pattern_are_hatched_and_named(maps):
    maps[0, 3] = 0
    maps[0, 7] = float("nan")
    maps[0, 8] = 2
    figure = plots.feature_maps(maps)
    assert sum(isinstance(patch, Rectangle) and patch.get_hatch() is not None for patch in figure.axes[0].patches) == 3
    assert {"silent", "not\nfinite", "constant"} <= set(figure_texts(figure))
    assert "silent: 3; constant: 8; not finite: 7" in caption(figure)
    assert not tile(figure, 3, 4, 20, 1).any()  # transparent
    assert tile(figure, 4, 4, 20, 1)[..., 3].all()


def test_captions_mention_hatching_only_if_there_is_some(maps):
    assert "hatched" not in caption(plots.feature_maps(maps))
    assert "hatched" not in caption(plots.compare_feature_maps(maps, maps))


@pytest.mark.parametrize(
    ("count", "shape"),
    [(16, (4, 4)), (32, (4, 8)), (64, (8, 8)), (1, (1, 1)), (2, (1, 2)), (13, (3, 5)), (512, (16, 32))],
)
def test_grid_shape(count, shape):
    assert grid_shape(count) == shape


def test_compare_draws_both_networks(maps):
    figure = plots.compare_feature_maps(maps, maps.flip(1))
    images = normalize_maps(maps).images.numpy()
    np.testing.assert_array_equal(tile(figure, 0, 4, 20, 1, axes=0), in_colors(images[0]))
    np.testing.assert_array_equal(tile(figure, 0, 4, 20, 1, axes=1), in_colors(images[15]))
    assert [axes.get_title() for axes in figure.axes[:2]] == ["trained", "untrained"]


def test_compare_rejects_maps_of_two_layers(maps):
    with pytest.raises(ValueError, match=r"\(16, 20, 20\).*\(8, 20, 20\)"):
        plots.compare_feature_maps(maps, maps[:, :8])


def test_compare_names_the_silent_channels_of_each_network(maps):
    silent = maps.clone()
    silent[0, 5] = 0
    text = caption(plots.compare_feature_maps(maps, silent))
    assert "of the untrained network" in text
    assert "(silent: 5)" in text
    assert "of the trained network" not in text


def test_colour_filters_are_drawn_in_their_colours():
    weights = torch.zeros(64, 3, 7, 7)
    weights[5, 0] = 2.0  # responds to red
    weights[6, 2] = -1.0  # responds to the absence of blue
    panels = [axes for axes in plots.filters(weights).axes if axes.images]
    assert len(panels) == 64
    for channel, color in ((0, (0.5, 0.5, 0.5)), (5, (1.0, 0.5, 0.5)), (6, (0.5, 0.5, 0.25))):
        shown = panels[channel].images[0].get_array()
        assert shown.shape == (7, 7, 3)
        assert np.allclose(shown[3, 3], color)


def test_filters_have_a_colour_map_centred_on_zero():
    weights = torch.linspace(-1, 0.5, 16 * 9).view(16, 1, 3, 3).requires_grad_()
    figure = plots.filters(weights)
    images = [axes.images[0] for axes in figure.axes if axes.images]
    assert len(images) == 16
    for channel, image in enumerate(images):
        np.testing.assert_array_equal(image.get_array(), weights[channel, 0].detach().numpy())
        assert image.get_clim() == (-1, 1)


def test_wrong_shapes_are_rejected(maps):
    with pytest.raises(ValueError, match=r"maps\[0\]"):
        plots.feature_maps(torch.cat([maps, maps]))
    with pytest.raises(ValueError, match=r"\(4, 2, 3, 3\)"):
        plots.filters(torch.zeros(4, 2, 3, 3))


def test_the_same_maps_give_the_same_bytes_and_no_figure_stays_open(maps, tmp_path):
    for make in (plots.feature_maps, lambda shown: plots.compare_feature_maps(shown, shown)):
        first = plots.save_figure(make(maps), tmp_path / "first.png").read_bytes()
        assert plots.save_figure(make(maps), tmp_path / "again.png").read_bytes() == first
    assert not matplotlib._pylab_helpers.Gcf.figs
