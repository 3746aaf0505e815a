"""ground.py against plane geometry: a flat plain, a wall, and their mirror images."""

from __future__ import annotations

import pytest
import torch

from synthviz.world.camera import Camera
from synthviz.world.ground import march

SIZE = 128
WALL, TALL = 5.0, 1.5  # where a wall begins, and its height


@pytest.fixture
def camera():
    return Camera(height=0.4, horizon=0.45, width=0.6)


def plain(x, z, pixel):
    return torch.zeros_like(x)


def wall(x, z, pixel):
    """Water before a wall that fills the view from side to side."""
    return torch.where(z > WALL, torch.full_like(x, TALL), torch.full_like(x, -0.2))


def test_a_plain_lies_where_perspective_puts_it(camera):
    seen = march(plain, camera, SIZE, near=0.2, far=30.0)
    slopes = camera.rows(SIZE)
    expected = camera.height / -slopes
    rows = (expected > 0.3) & (expected < 25)
    assert seen.hit[rows].all()
    assert torch.allclose(seen.depth[rows], expected[rows, None].expand(-1, SIZE), rtol=0.01)
    assert not seen.hit[slopes > 0].any()


def test_columns_diverge_with_the_angle_of_view(camera):
    seen = march(plain, camera, SIZE, near=0.2, far=30.0)
    share = seen.right / seen.away
    assert torch.allclose(share[-1], camera.columns(SIZE), atol=1e-5)


def test_a_wall_is_upright_and_as_tall_as_it_should_be(camera):
    seen = march(wall, camera, SIZE, near=0.2, far=30.0)
    slopes = camera.rows(SIZE)
    on_wall = (slopes < (TALL - camera.height) / WALL * 0.97) & (slopes > -camera.height / WALL * 0.9)
    assert torch.allclose(seen.depth[on_wall], torch.tensor(WALL), rtol=0.02)
    assert not seen.hit[slopes > (TALL - camera.height) / WALL * 1.03].any()


def test_water_mirrors_the_wall_upside_down(camera):
    seen = march(wall, camera, SIZE, near=0.2, far=30.0, mirrored=True)
    slopes = camera.rows(SIZE)
    # The mirrored top of the wall is as far below the camera's height as the wall's top is above the water.
    lowest = -(TALL + camera.height) / WALL
    shown = (slopes < -camera.height / WALL * 1.05) & (slopes > lowest * 0.97)
    assert seen.hit[shown].all()
    assert not seen.hit[slopes < lowest * 1.03].any()
    assert torch.allclose(seen.depth[shown], torch.tensor(WALL), rtol=0.02)


def test_slopes_of_a_hillside(camera):
    def hillside(x, z, pixel):
        return 0.3 * x + 0.1 * z

    high = Camera(height=1.5, horizon=0.3, width=0.5)
    seen = march(hillside, high, SIZE, near=0.2, far=30.0)
    near = seen.hit & (seen.depth > 0.5) & (seen.depth < 10)
    assert torch.allclose(seen.slope_x[near], torch.tensor(0.3), atol=0.01)
    assert torch.allclose(seen.slope_z[near], torch.tensor(0.1), atol=0.01)
