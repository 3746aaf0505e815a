"""A headless run of the three notebooks, compared with its lower bound: `python -m benchmarks.notebooks`.

The run is `synthviz.runs.run_notebooks` without the lessons, as in a sweep: papermill, a check of every cell, figures
saved and shown in the executed notebooks, and the manifest. The lower bound is the work that every runner of notebooks
must do: start three kernels one after another, import the libraries in each, and compute the same pictures, figures and
texts, sent as one piece of code.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from jupyter_client.manager import start_new_kernel

from benchmarks.side_by_side import Row, command_line, in_turns, row
from synthviz.runs.chain import run_notebooks

GENERATION = """
import synthviz
config = synthviz.GenerationConfig("a serene sunset over a futuristic city", count=3, seed=0)
synthviz.save_pictures(synthviz.create_pictures(config), ".")
"""
PREPROCESSING = """
import synthviz
from synthviz import plots
loaded = synthviz.preprocess_image("generated_image_1.png")
plots.save_figure(plots.verification(loaded), "loaded_image_verification.png")
"""
FEATURES = """
import torch, synthviz
from synthviz import cnn, files, plots
loaded = synthviz.preprocess_image("generated_image_1.png")
plots.save_figure(plots.input_visualizations(loaded.tensor), "input_image_visualizations.png")
model = synthviz.SceneCNN.pretrained()
files.write_text("model_architecture.txt", cnn.describe_architecture(model))
with torch.no_grad(), synthviz.capture(model, ["conv1", "conv2", "conv3"]) as maps:
    model(loaded.tensor)
for number in (1, 2, 3):
    figure = plots.feature_maps(maps[f"conv{number}"], f"conv{number}")
    plots.save_figure(figure, f"conv_layer_{number}_feature_maps.png")
plots.class_probabilities(cnn.predict(model, loaded))
"""


def run_here() -> set[str]:
    """Run the three notebooks; return the names of the pictures, figures and texts."""
    with tempfile.TemporaryDirectory() as folder:
        run_notebooks(folder, lessons=False, progress=False)
        return products(Path(folder))


def run_lower_bound() -> set[str]:
    """Run only the computation in three kernels; return the names of the pictures, figures and texts."""
    with tempfile.TemporaryDirectory() as folder:
        for program in (GENERATION, PREPROCESSING, FEATURES):
            manager, client = start_new_kernel(kernel_name="python3", cwd=folder, stderr=subprocess.DEVNULL)
            try:
                reply = client.execute_interactive(program, output_hook=lambda message: None)
                if reply["content"]["status"] != "ok":
                    raise RuntimeError(f"{reply['content']['ename']}: {reply['content']['evalue']}")
            finally:
                client.stop_channels()
                manager.shutdown_kernel()
        return products(Path(folder))


def products(folder: Path) -> set[str]:
    """Return the names of the pictures, figures and texts in a folder."""
    return {path.name for path in folder.iterdir() if path.suffix in (".png", ".txt")}


def measure(repeats: int) -> list[Row]:
    """Compare both, after a check that they write the same files.

    Raises:
        RuntimeError: if they write different files, or a program of the lower bound fails.
    """
    if run_here() != run_lower_bound():
        raise RuntimeError("the run and its lower bound write different files")
    seconds = in_turns(
        {"here": run_here, "there": run_lower_bound}, repeats, warm_up=0
    )  # the comparison above was the warm-up
    against = "only three kernels, imports and the computation"
    return [row("three notebooks headless, warm", against, 1.3, seconds["here"], seconds["there"])]


def main() -> None:
    """Measure from the command line."""
    command_line(measure, __doc__, repeats=5)


if __name__ == "__main__":
    main()
