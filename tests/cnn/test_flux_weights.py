"""cnn/flux_weights.py, compared with Flux.jl's semantics written in NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from synthviz.cnn.network import SceneCNN

SHAPES = {
    "conv1.weight": (3, 3, 1, 16),
    "conv2.weight": (3, 3, 16, 32),
    "conv3.weight": (3, 3, 32, 64),
    "dense1.weight": (128, 43_264),
    "dense2.weight": (10, 128),
}


@pytest.fixture(scope="module")
def arrays():
    rng = np.random.default_rng(0)
    arrays = {}
    for name, shape in SHAPES.items():
        fan_in = np.prod(shape[:3]) if len(shape) == 4 else shape[1]
        arrays[name] = rng.normal(0, np.sqrt(2 / fan_in), shape).astype(np.float32)
        count = shape[-1] if len(shape) == 4 else shape[0]
        arrays[name.replace("weight", "bias")] = rng.normal(0, 0.1, count).astype(np.float32)
    return arrays


# --- Flux.jl's semantics, on arrays (width, height, channels) -------------------------------------------------------


def flux_convolution(x, weight, bias):
    """NNlib's conv: out[i, j, o] = sum over a, b, c of x[i + a, j + b, c] * weight[3 - 1 - a, 3 - 1 - b, c, o]."""
    width, height, _ = x.shape
    out = np.zeros((width - 2, height - 2, weight.shape[3]))
    for a in range(3):
        for b in range(3):
            out += x[a : a + width - 2, b : b + height - 2] @ weight[2 - a, 2 - b]
    return out + bias


def flux_pool(x):
    width, height = x.shape[0] // 2 * 2, x.shape[1] // 2 * 2
    x = x[:width, :height]
    return np.maximum(np.maximum(x[::2, ::2], x[1::2, ::2]), np.maximum(x[::2, 1::2], x[1::2, 1::2]))


def flux_network(picture, arrays):
    """Compute the logits of a picture in Flux's layout, (width, height, 1)."""
    x = picture
    for layer in ("conv1", "conv2", "conv3"):
        x = flux_pool(np.maximum(flux_convolution(x, arrays[f"{layer}.weight"], arrays[f"{layer}.bias"]), 0))
    flat = x.flatten(order="F")  # Julia's reshape
    hidden = np.maximum(arrays["dense1.weight"] @ flat + arrays["dense1.bias"], 0)
    return arrays["dense2.weight"] @ hidden + arrays["dense2.bias"]


def test_agrees_with_flux_semantics(tmp_path, arrays):
    # NPZ.jl writes arrays in column-major order.
    np.savez(tmp_path / "weights.npz", **{key: np.asfortranarray(value) for key, value in arrays.items()})
    model = SceneCNN.from_flux(tmp_path / "weights.npz")
    picture = np.random.default_rng(1).random((224, 224))  # rows, columns
    expected = flux_network(picture.T[:, :, None], {key: value.astype(np.float64) for key, value in arrays.items()})
    with torch.no_grad():
        found = model.logits(torch.tensor(picture, dtype=torch.float32)[None, None])[0].numpy()
    assert np.abs(expected).max() > 0.5
    np.testing.assert_allclose(found, expected, atol=1e-5, rtol=1e-5)
    assert not model.training


def test_kernels_must_be_rotated(tmp_path, arrays):
    rotated = {key: value[::-1, ::-1] if value.ndim == 4 else value for key, value in arrays.items()}
    np.savez(tmp_path / "right.npz", **arrays)
    np.savez(tmp_path / "wrong.npz", **rotated)
    picture = torch.rand(1, 1, 224, 224, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        right, wrong = (SceneCNN.from_flux(tmp_path / name).logits(picture) for name in ("right.npz", "wrong.npz"))
    assert (right - wrong).abs().max() > 0.01


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"conv2.weight": None}, "conv2.weight"),
        ({"conv2.weight": None, "conv2.w": np.zeros(2)}, r"conv2\.weight.*conv2\.w "),
        ({"conv4.weight": np.zeros(2)}, r"conv4\.weight"),
        ({"conv1.weight": np.zeros((16, 1, 3, 3))}, r"conv1\.weight.*\(16, 1, 3, 3\).*\(3, 3, 1, 16\)"),
        ({"dense2.weight": np.zeros((128, 10))}, r"dense2\.weight.*\(10, 128\)"),
        ({"conv1.bias": np.zeros(16, int)}, r"conv1\.bias.*int64"),
        ({"conv1.bias": np.full(16, np.nan)}, r"conv1\.bias.*NaN"),
    ],
)
def test_wrong_arrays_are_rejected(tmp_path, arrays, change, message):
    changed = {key: value for key, value in {**arrays, **change}.items() if value is not None}
    np.savez(tmp_path / "weights.npz", **changed)
    with pytest.raises(ValueError, match=message):
        SceneCNN.from_flux(tmp_path / "weights.npz")


def test_files_without_arrays_are_rejected(tmp_path):
    with pytest.raises(FileNotFoundError, match="none"):
        SceneCNN.from_flux(tmp_path / "none.npz")
    (tmp_path / "text.npz").write_text("not an archive")
    with pytest.raises(ValueError, match=r"text\.npz"):
        SceneCNN.from_flux(tmp_path / "text.npz")
    np.savez(tmp_path / "objects.npz", weights=np.array([{}], object))
    with pytest.raises(ValueError, match=r"objects\.npz"):
        SceneCNN.from_flux(tmp_path / "objects.npz")
    np.save(tmp_path / "one.npz.npy", np.zeros(3))
    with pytest.raises(ValueError, match=r"one\.npz"):
        SceneCNN.from_flux(tmp_path / "one.npz.npy")
