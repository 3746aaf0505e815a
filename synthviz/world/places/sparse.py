"""Work that is done only where it can be seen: most of a picture is often sky or sea."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields

import torch
from torch import Tensor

from synthviz.world.ground import Seen
from synthviz.world.land import Material

Look = Callable[[Seen, Tensor, Tensor], Material]
DEEPEST = -0.03  # ground deeper below the water than this is never seen


def where_seen(look: Look) -> Look:
    """Return a material that is computed only for pixels which show ground; it must treat each pixel by itself."""

    def material(seen: Seen, x: Tensor, z: Tensor) -> Material:
        index = (seen.hit & (seen.height > DEEPEST)).flatten().nonzero()[:, 0]

        def pick(values: Tensor) -> Tensor:
            return values.flatten()[index][None]

        part = Seen(**{field.name: pick(getattr(seen, field.name)) for field in fields(Seen)})
        found = look(part, pick(x), pick(z))

        def spread(values: Tensor) -> Tensor:
            """(C, 1, N) to (C, H, W)."""
            full = torch.zeros(len(values), x.numel())
            full[:, index] = values.reshape(len(values), -1)
            return full.reshape(len(values), *x.shape)

        emission = spread(found.emission) if isinstance(found.emission, Tensor) else found.emission
        return Material(spread(found.albedo), spread(found.bump_x)[0], spread(found.bump_z)[0], emission)

    return material


def fill(points: Tensor, shape: torch.Size, index: Tensor, background: float) -> Tensor:
    """Put values (N,) at flat positions into a field of this shape that is constant elsewhere."""
    full = torch.full((shape.numel(),), background, dtype=points.dtype)
    full[index] = points
    return full.reshape(shape)
