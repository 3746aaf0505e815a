"""lofts.py: curves that keep to their knots; a loft with equal sections is a cylinder or a box."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from synthviz.world.buildings.lofts import SAMPLES, loft, sampled
from synthviz.world.buildings.solid_shapes import Rays, box, cylinder
from synthviz.world.buildings.solid_surfaces import find_hits

RAYS = Rays(eye=0.4, right=torch.linspace(-0.5, 0.5, 41), up=torch.linspace(0.3, -0.1, 33), pixel=0.02)
STRAIGHT = ((0.0, 1.0), (1.0, 1.0))


def test_a_curve_passes_its_ends_and_never_overshoots():
    curve = np.array(sampled(((0.0, 0.4), (0.3, 1.0), (0.6, 1.0), (1.0, 0.1))))
    assert len(curve) == SAMPLES
    assert curve[[0, -1]] == pytest.approx([0.4, 0.1])
    assert curve.max() <= 1.0 + 1e-9
    assert curve.min() >= 0.1 - 1e-9


@pytest.mark.parametrize("square", [False, True])
def test_a_loft_with_equal_sections_is_a_cylinder_or_a_box(square):
    one = loft((0.3, 0.0, 4.0), (0.8, 1.5, 0.8), STRAIGHT, 0.4, square=square)
    other = box(0.3, 0.0, 4.0, 0.8, 1.5, 0.8, 0.4) if square else cylinder(0.3, 0.0, 4.0, 0.4, 1.5)
    (enter, leave), (enter_too, leave_too) = one.cast(RAYS), other.cast(RAYS)
    inside = (enter_too < leave_too).expand(len(RAYS.up), len(RAYS.right))
    assert torch.equal((enter < leave).expand_as(inside), inside)
    assert torch.allclose(enter.expand_as(inside)[inside], enter_too.expand_as(inside)[inside], atol=1e-3)
    assert torch.allclose(leave.expand_as(inside)[inside], leave_too.expand_as(inside)[inside], atol=1e-3)


def test_walls_of_lofts_face_the_viewer_with_normals_of_length_one():
    parts = [
        loft((-0.8, 0.0, 4.0), (0.8, 1.5, 0.6), ((0.0, 1.0), (1.0, 0.4)), 0.3, 1.2, square=True),
        loft((0.8, 0.0, 4.0), (0.8, 1.5, 0.5), ((0.0, 0.7), (0.4, 1.0), (1.0, 0.0)), sway=((0.0, 0.0), (1.0, 0.4))),
    ]
    for number, part in enumerate(parts):
        enter, leave = part.cast(RAYS)
        height = RAYS.eye + RAYS.up[:, None] * enter
        rows, columns = torch.nonzero((enter < leave) & (height > 0.1) & (height < 1.4), as_tuple=True)
        which = torch.full_like(rows, number)
        hits = find_hits(parts, RAYS, which, enter[rows, columns], rows, columns)
        assert len(hits.away) > 20
        assert torch.allclose(hits.normal.norm(dim=0), torch.ones(len(hits.away)), atol=1e-4)
        assert ((hits.normal * hits.direction).sum(0) < 0.05).float().mean() > 0.97
        assert (hits.u.abs() <= hits.half + 0.02).all()
