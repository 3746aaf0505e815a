"""plots/attribution_maps.py."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from synthviz import plots
from synthviz.cnn.attributions import Attribution
from synthviz.cnn.features import ReceptiveField
from synthviz.plots.attribution_maps import QUANTILE

PICTURE = torch.linspace(0, 1, 64).reshape(1, 1, 8, 8)


def signed() -> Attribution:
    values = torch.zeros(8, 8)
    values[1, 2], values[5, 6] = 2.0, -4.0
    return Attribution("occlusion", 1, values)


def test_each_method_has_its_own_panel_scale_and_title():
    unsigned = Attribution("Grad-CAM", 0, torch.rand(8, 8))
    figure = plots.attributions(PICTURE, [signed(), unsigned], ["sea", "city"])
    assert isinstance(figure, Figure)
    panels = [axes for axes in figure.axes if axes.get_title()]
    assert [axes.get_title() for axes in panels] == ["the picture", "occlusion: city", "Grad-CAM: sea"]
    colours = [axes.images[-1] for axes in panels[1:]]
    low, high = colours[0].get_clim()
    assert -low == high == pytest.approx(np.quantile(signed().values.abs(), QUANTILE))
    assert colours[0].get_cmap().name == "RdBu_r"
    assert colours[1].get_clim()[0] == 0
    assert colours[1].get_cmap().name == "viridis"
    np.testing.assert_array_equal(colours[0].get_array(), signed().values)


def test_without_class_names_the_title_shows_the_index():
    figure = plots.attributions(PICTURE, [signed()])
    assert "occlusion: class 1" in [axes.get_title() for axes in figure.axes]


def test_an_attribution_of_zeros_over_a_colour_picture_is_drawn():
    figure = plots.attributions(torch.rand(1, 3, 8, 8), [Attribution("Grad-CAM", 0, torch.zeros(8, 8))])
    figure.canvas.draw()


def test_wrong_inputs_are_rejected():
    with pytest.raises(ValueError, match="found is empty"):
        plots.attributions(PICTURE, [])
    with pytest.raises(ValueError, match=r"\(4, 4\).*\(8, 8\)"):
        plots.attributions(PICTURE, [Attribution("Grad-CAM", 0, torch.zeros(4, 4))])
    with pytest.raises(ValueError, match=r"\(1, 2, 8, 8\)"):
        plots.attributions(torch.rand(1, 2, 8, 8), [signed()])


def test_frames_enclose_the_receptive_fields():
    figure = plots.receptive_fields(PICTURE, {"conv1": ReceptiveField(1, 2, 4, 5), "conv2": ReceptiveField(0, 0, 8, 8)})
    frames = figure.axes[0].patches
    assert [frame.get_bbox().bounds for frame in frames] == [(1.5, 0.5, 3, 3), (-0.5, -0.5, 8, 8)]
    assert [text.get_text() for text in figure.axes[0].texts] == ["conv1: 3×3", "conv2: 8×8"]
