"""Any parameters give a tensor, or an error that names the parameter before work starts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, example, given, settings, strategies as st
from PIL import Image

from synthviz.preprocessing.image import preprocess_image
from synthviz.preprocessing.steps import FITS, INTERPOLATIONS

ANYTHING = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(), st.lists(st.integers(), max_size=4)
)
SHARES = st.tuples(*[st.floats(0, 1)] * 3).filter(any).map(lambda shares: [share / sum(shares) for share in shares])
GOOD = {
    "size": st.integers(2, 64),
    "fit": st.sampled_from(list(FITS)),
    "interpolation": st.sampled_from(list(INTERPOLATIONS)),
    "grey_weights": SHARES,
    "background": st.tuples(*[st.integers(0, 255)] * 3),
    "max_pixels": st.integers(1, 2**70),
}
# The fixtures do not change between examples, so all examples may share them.
QUIET = settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def picture(tmp_path_factory):
    path = tmp_path_factory.mktemp("picture") / "noise.png"
    noise = np.random.default_rng(0).integers(0, 256, (11, 17, 4), dtype=np.uint8)
    Image.fromarray(noise, "RGBA").save(path)
    return path


@contextmanager
def suppress_value_error(beginning: str) -> Iterator[None]:
    """Suppress a ValueError whose message begins with `beginning`, and no other exception."""
    try:
        yield
    except ValueError as error:
        if not re.match(beginning, str(error), re.DOTALL):
            raise


@given(parameters=st.fixed_dictionaries({}, optional=GOOD))
@QUIET
def test_sensible_parameters_give_a_tensor(picture, parameters):
    loaded = preprocess_image(picture, **parameters)
    size = parameters.get("size", 224)
    assert loaded.tensor.shape == (1, 1, size, size)
    assert loaded.tensor.dtype == torch.float32
    assert 0 <= loaded.tensor.min() <= loaded.tensor.max() <= 1
    assert (loaded.fallback_reason is None) == (parameters.get("max_pixels", 10**6) >= 11 * 17)


@pytest.mark.parametrize("name", GOOD)
@given(value=ANYTHING)
@example(value=[0.5, "0.3", 0.2])
@example(value=["a", None, 1])
@example(value=np.array([[1.0, 0.0, 0.0]]))
@example(value=np.array(1.0))
@QUIET
def test_any_parameter_is_used_or_named_in_an_error(picture, name, value):
    with suppress_value_error(f"{name} is .*; it must be "):
        assert torch.isfinite(preprocess_image(picture, **{name: value}).tensor).all()


@given(path=st.one_of(st.text(max_size=300), st.none(), st.integers(), st.binary(max_size=8)))
@example(path="nul\0inside")
@example(path="\ud800")
@QUIET
def test_any_path_gives_a_reason_or_an_error(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with suppress_value_error("path is .*; it must name "):
        assert preprocess_image(path).fallback_reason
