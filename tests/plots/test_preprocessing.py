"""plots/preprocessing.py."""

import sys

import numpy as np
import pytest
from PIL import Image

from synthviz.plots.layout import save_figure
from synthviz.plots.preprocessing import side_by_side, stages, verification
from synthviz.preprocessing.image import preprocess_image
from synthviz.scenes import Scene, paint


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    path = tmp_path_factory.mktemp("pictures") / "forest $1_2$.png"  # the name must not be drawn as a formula
    Image.fromarray(paint(Scene("forest", "day", seed=1), 64).image[:48]).save(path)
    return preprocess_image(path)


@pytest.fixture
def fallback(tmp_path):
    return preprocess_image(tmp_path / "missing.png")


def texts(figure):
    """Return all text of a figure as one string with single spaces."""
    figure.draw_without_rendering()
    return " ".join(
        " ".join(text.get_text().split()) for text in figure.findobj(lambda part: hasattr(part, "get_text"))
    )


def test_verification_shows_the_file_the_tensor_and_its_values(loaded):
    figure = verification(loaded)
    picture, received, histogram = figure.axes
    np.testing.assert_array_equal(picture.images[0].get_array(), np.asarray(loaded.stages[0].picture))
    np.testing.assert_array_equal(received.images[0].get_array(), loaded.tensor[0, 0].numpy())
    assert received.images[0].get_clim() == (0, 1)
    assert sum(bar.get_height() for bar in histogram.patches) == 224 * 224
    written = texts(figure)
    for fact in (loaded.name, "64×48 pixels, mode RGB", "(1, 1, 224, 224) float32"):
        assert fact in written
    assert "TEST PATTERN" not in written


def test_verification_marks_a_fallback_in_red(fallback):
    figure = verification(fallback)
    assert figure.get_suptitle() == "TEST PATTERN: there is no such file"
    np.testing.assert_array_equal(figure.axes[1].images[0].get_array(), fallback.tensor[0, 0].numpy())
    figure.canvas.draw()
    red = (np.asarray(figure.canvas.buffer_rgba())[..., :3] == (198, 40, 40)).all(axis=-1)
    assert red.mean() > 0.01


def test_verification_shows_the_warnings(tmp_path):
    Image.new("L", (9, 9), 255).save(tmp_path / "blank.png")
    assert "blank" in texts(verification(preprocess_image(tmp_path / "blank.png")))


def test_stages_shows_every_stage(loaded):
    figure = stages(loaded)
    assert [axes.get_title() for axes in figure.axes] == ["opened", "upright and opaque", "grey", "224×224"]
    last = np.asarray(loaded.stages[-1].picture)
    np.testing.assert_array_equal(figure.axes[-1].images[0].get_array()[..., 0], last)
    assert figure.axes[-1].get_xlabel() == f"224×224 pixels, mode L\n{last.min()} to {last.max()}"
    assert "0.587 G" in texts(figure)


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA", "I;16", "CMYK", "F"])
def test_stages_draws_files_of_every_mode(tmp_path, mode):
    ramp = np.tile(np.linspace(0, 255, 20).astype(np.uint8), (20, 1))
    if mode == "I;16":
        picture = Image.fromarray(ramp.astype(np.uint16) * 100)
    else:
        picture = Image.fromarray(ramp).convert("RGB" if mode == "CMYK" else "L").convert(mode)
    path = tmp_path / ("picture.tiff" if mode in ("CMYK", "F") else "picture.png")
    picture.save(path)
    figure = stages(preprocess_image(path))
    figure.canvas.draw()
    shown = figure.axes[0].images[0]
    values = np.asarray(shown.norm(shown.get_array()) if mode in ("I;16", "F") else shown.get_array() / 255)
    assert values.shape[:2] == (20, 20)
    assert values[:, 0].max() < 0.05
    assert values[:, -1].min() > 0.95


def test_stages_of_a_fallback_are_rejected(fallback):
    with pytest.raises(ValueError, match=r"missing\.png.*no such file"):
        stages(fallback)


def test_transparent_parts_show_a_chequered_background(tmp_path):
    Image.new("RGBA", (48, 48), (255, 0, 0, 0)).save(tmp_path / "clear.png")
    shown = stages(preprocess_image(tmp_path / "clear.png")).axes[0].images[0].get_array()
    assert sorted(np.unique(shown)) == [214, 255]


def test_large_pictures_are_drawn_with_fewer_pixels(tmp_path):
    Image.new("L", (1700, 20)).save(tmp_path / "wide.png")
    Image.fromarray(np.zeros((1700, 20), np.uint16)).save(tmp_path / "deep.png")
    for name in ("wide.png", "deep.png"):
        assert max(stages(preprocess_image(tmp_path / name)).axes[0].images[0].get_array().shape) <= 850


def test_side_by_side_shows_grey_and_rgb_as_they_are(loaded):
    colour = np.random.default_rng(0).random((4, 5, 3))
    figure = side_by_side({"tensor": loaded.tensor, "colour": colour}, "A caption.")
    tensor, rgb = (axes.images[0] for axes in figure.axes)
    np.testing.assert_array_equal(tensor.get_array(), loaded.tensor[0, 0].numpy())
    np.testing.assert_array_equal(rgb.get_array(), colour)
    assert {tensor.get_interpolation(), rgb.get_interpolation()} == {"nearest"}
    assert [axes.get_title() for axes in figure.axes] == ["tensor", "colour"]
    assert "A caption." in texts(figure)


def test_side_by_side_rejects_other_shapes():
    with pytest.raises(ValueError, match=r"batch.*\(2, 1, 4, 4\)"):
        side_by_side({"batch": np.zeros((2, 1, 4, 4))}, "A caption.")


def test_the_same_picture_gives_the_same_bytes_and_no_figure_stays_open(loaded, tmp_path):
    for make in (verification, stages):
        first = save_figure(make(loaded), tmp_path / "first.png").read_bytes()
        second = save_figure(make(loaded), tmp_path / "second.png").read_bytes()
        assert first == second
    pyplot = sys.modules.get("matplotlib.pyplot")
    assert pyplot is None or not pyplot.get_fignums()
