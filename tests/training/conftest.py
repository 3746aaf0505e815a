"""A small painted training set."""

from __future__ import annotations

import pytest

from training.paintings import paint_training_set


@pytest.fixture(scope="package")
def paintings_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("paintings")
    paint_training_set(folder, count=24, size=64, processes=1)
    return folder
