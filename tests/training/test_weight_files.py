"""Weights are measured in megabytes all together, and in MiB for the largest file."""

from __future__ import annotations

import pytest

from training.weight_files import measure_weights


def test_only_weights_count(tmp_path):
    (tmp_path / "unet").mkdir()
    (tmp_path / "unet" / "part.safetensors").write_bytes(bytes(3 * 2**20))
    (tmp_path / "model.safetensors").write_bytes(bytes(500_000))
    (tmp_path / "README.md").write_bytes(bytes(9 * 2**20))
    found = measure_weights(tmp_path)
    assert found.megabytes == pytest.approx(3.645728)
    assert found.largest == 3


def test_a_folder_without_weights_is_refused(tmp_path):
    with pytest.raises(ValueError, match=tmp_path.name):
        measure_weights(tmp_path)
