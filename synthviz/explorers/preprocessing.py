"""An explorer for preprocessing: every stage of a picture, its numbers, and three views of them."""

from __future__ import annotations

import html
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import numpy as np
from matplotlib.figure import Figure

from synthviz.cnn.network import INPUT_SHAPE, SceneCNN
from synthviz.cnn.predictions import predict
from synthviz.explorers.background import Background, Checkpoint
from synthviz.explorers.message import Message, small
from synthviz.explorers.rendering import SHOWN, colored, figure_png, to_bytes, to_png
from synthviz.explorers.uploads import save_upload
from synthviz.files import user_path
from synthviz.plots.input_views import contour_view, surface_view, turn_surface
from synthviz.plots.preprocessing import displayable
from synthviz.preprocessing.image import preprocess_image
from synthviz.preprocessing.image_files import MAX_PIXELS, PreprocessingError
from synthviz.preprocessing.loaded_image import LoadedImage
from synthviz.preprocessing.steps import FITS, INTERPOLATIONS, LUMA
from synthviz.shipped_pictures import pictures_of_run, shipped_pictures

STAGE = 170  # side of a stage's picture, in pixels
NEIGHBOURS = 3  # number of rows and columns shown on each side of the chosen pixel
HEATMAP, CONTOUR, SURFACE = "heatmap", "contour", "surface"
CAPTIONS = {
    HEATMAP: "Each number as a colour: dark violet is 0 (black), yellow is 1 (white). The red lines cross at the "
    "chosen pixel.",
    CONTOUR: "Lines of equal brightness, a tenth apart: dark violet lies below 0.1 (black), yellow above 0.9 (white).",
    SURFACE: "Brightness as height: dark violet valleys are 0 (black), yellow peaks are 1 (white).",
}
NOTHING = to_png(np.full((8, 8), 240, np.uint8), STAGE)
WIDE = {"description_width": "7em"}


class PreprocessingExplorer(widgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """Widgets around `synthviz.preprocess_image`.

    Args:
        folder: folder with generated pictures to choose from; shipped pictures come after them.
        image_path: the first picture; None for the first generated or shipped one.
        max_pixels: as for `preprocess_image`, like the other setting.
        color_managed: whether colours are converted to sRGB first.
    """

    def __init__(
        self,
        folder: str | Path,
        image_path: str | Path | None = None,
        max_pixels: int = MAX_PIXELS,
        color_managed: bool = False,
    ) -> None:
        self._settings: dict[str, Any] = {"max_pixels": max_pixels, "color_managed": color_managed}
        self.message = Message()
        self.background = Background(on_error=self.message.show_error)
        self._uploads = tempfile.TemporaryDirectory(prefix="synthviz-")
        self._loaded: LoadedImage | None = None
        self._surface: Figure | None = None
        self._build_controls(_choices(folder, image_path))
        self._connect()
        wrapped = {"flex_flow": "row wrap"}
        super().__init__(
            [
                widgets.HBox([self.picture, self.upload], layout=wrapped),
                widgets.HBox([self.side, self.fit, self.interpolation], layout=wrapped),
                widgets.HBox([self.red, self.green, self.blue], layout=wrapped),
                self.message,
                widgets.HBox([widgets.VBox([image, text]) for image, text in self.stages], layout=wrapped),
                widgets.HBox(
                    [
                        widgets.VBox([self.view_image, self.view_caption]),
                        widgets.VBox([self.view, self.azimuth, self.elevation, self.position, self.verdict]),
                    ],
                    layout=wrapped,
                ),
                self.numbers,
            ]
        )
        self._load()

    def _build_controls(self, choices: Sequence[tuple[str, str]]) -> None:
        self.picture = widgets.Dropdown(
            options=choices, description="Picture", style=WIDE, layout={"width": "30em", "max_width": "98%"}
        )
        self.upload = widgets.FileUpload(accept="image/*", description="Upload your own", layout={"width": "14em"})
        self.side = widgets.BoundedIntText(
            224, min=16, max=512, description="Side (pixels)", style=WIDE, layout={"width": "14em"}
        )
        self.fit = widgets.Dropdown(options=list(FITS), description="Fit", style=WIDE, layout={"width": "16em"})
        self.interpolation = widgets.Dropdown(
            options=list(INTERPOLATIONS), value="bilinear", description="Interpolation", style=WIDE
        )
        self.interpolation.layout = {"width": "18em"}
        self.red, self.green, self.blue = (
            widgets.FloatSlider(
                share,
                min=0,
                max=1,
                step=0.001,
                description=f"{name} in grey",
                readout_format=".3f",
                style=WIDE,
                continuous_update=False,
            )
            for name, share in zip(("Red", "Green", "Blue"), LUMA, strict=True)
        )
        self.stages = [(widgets.Image(value=NOTHING, width=STAGE), widgets.HTML()) for _ in range(4)]
        for image, text in self.stages:
            image.layout = {"width": f"{STAGE}px", "height": f"{STAGE}px", "object_fit": "contain"}
            text.layout = {"width": f"{STAGE}px"}
        self.view_image = widgets.Image(value=NOTHING, width=SHOWN, height=SHOWN)
        self.view_image.layout = {"width": f"{SHOWN}px", "height": f"{SHOWN}px", "object_fit": "contain"}
        self.view_caption = widgets.HTML(layout={"width": f"{SHOWN}px"})
        self.view = widgets.ToggleButtons(options=[HEATMAP, CONTOUR, SURFACE], description="Look at", style=WIDE)
        self.view.style.button_width = "7em"
        self.azimuth = widgets.IntSlider(-68, min=-180, max=180, step=4, description="Turn (°)", style=WIDE)
        self.elevation = widgets.IntSlider(52, min=0, max=90, step=2, description="Tilt (°)", style=WIDE)
        self.position = widgets.VBox()
        self._build_position(224)
        self.numbers, self.verdict = widgets.HTML(), widgets.HTML()

    def _build_position(self, side: int) -> None:
        """Build the sliders for a pixel of a tensor with this side.

        They are new for every side: a slider whose range grows still stops at the old end when one presses End.
        """
        self.row, self.column = (
            widgets.IntSlider(side // 2, min=0, max=side - 1, description=name, style=WIDE)
            for name in ("Row", "Column")
        )
        for slider in (self.row, self.column):
            slider.observe(self.background.guarded(lambda change: self._show_numbers()), "value")
        self.position.children = (self.row, self.column)

    def _connect(self) -> None:
        guarded = self.background.guarded
        for control in (self.picture, self.side, self.fit, self.interpolation, self.red, self.green, self.blue):
            control.observe(guarded(lambda change: self._load()), "value")
        self.upload.observe(guarded(lambda change: self._take_upload()), "value")
        for control in (self.view, self.azimuth, self.elevation):
            control.observe(guarded(lambda change: self._draw_view()), "value")

    def _take_upload(self) -> None:
        """Save the uploaded file and choose it."""
        if not self.upload.value:
            return
        name, path = save_upload(self.upload, Path(self._uploads.name))
        self.picture.options = [*self.picture.options, (f"yours: {name}", str(path))]
        self.picture.value = str(path)

    def _load(self) -> None:
        """Preprocess the chosen picture with the chosen settings in the background."""
        shares = np.array([self.red.value, self.green.value, self.blue.value])
        if shares.sum() == 0:
            error = ValueError("red, green and blue are all 0; at least one must be above 0")
            self.message.show_error(error)
            return
        path, weights = self.picture.value, tuple((shares / shares.sum()).tolist())
        settings: dict[str, Any] = {
            "size": self.side.value,
            "fit": self.fit.value,
            "interpolation": self.interpolation.value,
        }

        def task(checkpoint: Checkpoint) -> None:
            try:
                loaded = preprocess_image(path, strict=True, grey_weights=weights, **self._settings, **settings)
            except PreprocessingError as error:
                self.background.show(self._show_unusable, error)
                return
            pictures = [to_png(displayable(stage), STAGE) for stage in loaded.stages]
            checkpoint()
            self.background.show(self._show, loaded, pictures)

        self.background.start(task)

    def _show(self, loaded: LoadedImage, pictures: list[bytes]) -> None:
        self._loaded, self._surface = loaded, None
        self.message.show(" ".join(loaded.warnings))
        for (image, text), stage, png in zip(self.stages, loaded.stages, pictures, strict=True):
            image.value = png
            text.value = small(f"<b>{html.escape(stage.name)}</b><br>{html.escape(stage.step)}")
        side = loaded.tensor.shape[-1]
        if side != self.row.max + 1:
            self._build_position(side)
        self.verdict.value = small(_verdict(loaded))
        self._draw_view()
        self._show_numbers()

    def _show_unusable(self, error: Exception) -> None:
        """Say what is wrong with a file, in the place of the picture before it."""
        self._loaded = self._surface = None
        for image, text in self.stages:
            image.value, text.value = NOTHING, ""
        self.view_image.value = NOTHING
        self.view_caption.value = self.numbers.value = self.verdict.value = ""
        self.message.show_error(error)

    def _values(self) -> np.ndarray:
        assert self._loaded is not None
        values: np.ndarray = self._loaded.tensor[0, 0].numpy()
        return values

    def _position(self) -> tuple[int, int]:
        """Return row and column of the chosen pixel; they are clipped, since the tensor may have become smaller."""
        last = len(self._values()) - 1
        return min(self.row.value, last), min(self.column.value, last)

    def _draw_view(self) -> None:
        """Show the tensor in the chosen view; the heatmap also marks the chosen pixel."""
        if self._loaded is None:
            return
        self.azimuth.disabled = self.elevation.disabled = self.view.value != SURFACE
        self.view_caption.value = small(CAPTIONS[self.view.value])
        if self.view.value == HEATMAP:
            shown = colored(self._values(), 0, 1)
            mark = np.array([255, 60, 40], np.uint8)
            row, column = self._position()
            shown[row, :], shown[:, column] = mark, mark
            self.view_image.value = to_png(shown, SHOWN)
        elif self.view.value == CONTOUR:
            self.view_image.value = figure_png(contour_view(self._loaded.tensor))
        else:
            if self._surface is None:
                self._surface = surface_view(self._loaded.tensor, self.azimuth.value, self.elevation.value)
            turn_surface(self._surface, self.azimuth.value, self.elevation.value)
            self.view_image.value = figure_png(self._surface)

    def _show_numbers(self) -> None:
        """Show the numbers around the chosen pixel."""
        if self._loaded is None:
            return
        values, (row, column) = self._values(), self._position()
        side = len(values)
        rows = range(max(0, row - NEIGHBOURS), min(side, row + NEIGHBOURS + 1))
        columns = range(max(0, column - NEIGHBOURS), min(side, column + NEIGHBOURS + 1))
        head = "".join(f"<th scope='col'>{number}</th>" for number in columns)
        lines = [f"<tr><th></th>{head}</tr>"]
        for r in rows:
            cells = "".join(_cell(values[r, c], chosen=(r, c) == (row, column)) for c in columns)
            lines.append(f"<tr><th scope='row'>{r}</th>{cells}</tr>")
        self.numbers.value = small(
            f"Row {row}, column {column}: {values[row, column]:.3f} (0 is black, 1 is white). Around it:"
            f"<table>{''.join(lines)}</table>"
        )
        if self.view.value == HEATMAP:
            self._draw_view()


def _choices(folder: str | Path, image_path: str | Path | None) -> list[tuple[str, str]]:
    """Return (label, path) of the pictures to choose from."""
    own = [(f"yours: {Path(image_path).name}", str(image_path))] if image_path else []
    run = [(f"this run: {path.name}", str(path)) for path in pictures_of_run(folder)]
    kept = [(f"kept: {path.name}", str(path)) for path in sorted(user_path(folder).glob("kept_picture_*.png"))]
    return [*own, *run, *kept, *((f"shipped: {path.name}", str(path)) for path in shipped_pictures())]


def _verdict(loaded: LoadedImage) -> str:
    """Say what the network of notebook 3 takes a picture for; it reads one size only."""
    if loaded.tensor.shape[-1] != INPUT_SHAPE[-1]:
        return f"The network of notebook 3 reads {INPUT_SHAPE[-1]} × {INPUT_SHAPE[-1]} pixels only."
    prediction = predict(_network(), loaded)
    return f"The network of notebook 3 takes it for: <b>{prediction.class_name}</b> ({prediction.probability:.0%})"


@cache
def _network() -> SceneCNN:
    return SceneCNN.pretrained()


def _cell(value: float, chosen: bool) -> str:
    """Return the table cell of one value, on a background of its grey."""
    grey = int(to_bytes(np.asarray(value)))
    ink = "black" if grey > 127 else "white"
    frame = "outline: 2px solid #ff3c28;" if chosen else ""
    return f"<td style='background: rgb({grey},{grey},{grey}); color: {ink}; {frame}'>{value:.2f}</td>"
