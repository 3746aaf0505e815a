"""Where the things of a scene are: birds, lanterns and balloons in free sky, boats on water, trees and towers on land.

A thing is always whole, visible, large enough, and on its side of the picture. Its size in the picture is chosen first;
its size in the world follows from the distance at which it stands.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from synthviz.world.bodies import Body
from synthviz.world.labels import LABELS
from synthviz.world.land import Drawable
from synthviz.world.light import Light
from synthviz.world.scene import MOST, SKY_KINDS, Group
from synthviz.world.sprites import Sprite
from synthviz.world.things.balloons import balloon, lantern
from synthviz.world.things.birds import bird, choose_course
from synthviz.world.things.boats import WATERLINE, Wake, boat
from synthviz.world.things.figure import Figure
from synthviz.world.things.islet import TOP, islet
from synthviz.world.things.room import CELLS, FAR, MARGIN, Room, Spot
from synthviz.world.things.sheet import SCREEN_COLORS, reflectance
from synthviz.world.things.towers import tower
from synthviz.world.things.trees import tree

# Share of the picture that one thing covers, by how many there are; the least is what an oracle can read.
AREAS = {1: (0.016, 0.034), 2: (0.011, 0.021), 3: (0.0085, 0.015), 4: (0.0068, 0.0115)}
LEAST_AREAS = {1: 0.0132, 2: 0.0085, 3: 0.0068, 4: 0.0058}
FLOCK = 0.72  # share of the picture's width over which four birds spread
WIDEST = 0.56  # share of the picture's width that a thing may take; more does not fit on one side of it
SPRITE_ROWS = {1: 130, 2: 106, 3: 90, 4: 78}  # of a sprite, about as many as a picture of 512 rows shows
THIRDS = {"left": (0.08, 0.31), "center": (0.37, 0.63), "right": (0.69, 0.92)}
FARTHEST_FOOT = 14.0
FOOT_WIDTHS = {"boat": 1.0, "tree": 0.34, "tower": 0.9}  # of its whole width
CLEAR = 0.93  # nothing before a thing is nearer than this share of its distance
ISLET_WIDTH = 1.7  # relative to what stands on it
FEET = {"tree": 0.30, "tower": 0.55}  # half the width of the foot, relative to the whole width
BEST_DISTANCE = {"boat": 2.2, "tree": 2.8, "tower": 6.0}
FLYING_DISTANCE = {"bird": (1.2, 3.0), "lantern": (0.8, 2.0), "balloon": (1.5, 5.0)}


def place_things(
    groups: Sequence[Group], room: Room, light: Light, body: Body | None, rng: np.random.Generator
) -> tuple[Drawable, ...]:
    """Choose the things of a scene and where they are.

    Args:
        groups: what the scene names.
        room: what the picture shows.
        light: of the hour.
        body: the sun or moon, which nothing may hide.
        rng: chooses shapes and places.

    Returns:
        What to draw, into the mirror image and into the picture, in any order.
    """
    if body is not None:
        room = room.without(body)
    drawables: list[Drawable] = []
    for group in sorted(groups, key=lambda group: group.kind in SKY_KINDS):
        color = reflectance(SCREEN_COLORS[group.color])
        course, middle = choose_course(rng), float(rng.uniform(0.3, 0.7))
        for index in range(group.count):
            sprite = SPRITES[group.kind](color, light, SPRITE_ROWS[group.count], course, rng)
            while _width(sprite, _least_area(group)) > WIDEST:  # slim wings, seen from the side
                sprite = SPRITES[group.kind](color, light, SPRITE_ROWS[group.count], course, rng)
            spot = _find_spot(room, group, _columns(group, index, middle), sprite, rng)
            room = room.mark(spot)
            drawables += _stand(room, spot, group, sprite, light, rng)
    return tuple(drawables)


def _find_spot(room: Room, group: Group, span: tuple[float, float], sprite: Sprite, rng: np.random.Generator) -> Spot:
    """Find a place for one thing: the wished size first, then smaller, then on less perfect ground."""
    aspect = sprite.alpha.shape[1] / sprite.alpha.shape[0]
    least = _least_area(group)
    most = least * (WIDEST / _width(sprite, least)) ** 2
    area = min(max(least, float(rng.uniform(*AREAS[group.count]))), most)
    search = _search_sky if group.kind in SKY_KINDS else _search_foot
    for ease in (0, 1, 2, 3):
        for size in np.linspace(area, least, 3):
            columns = math.ceil(CELLS * _width(sprite, size))
            rows = math.ceil(columns / aspect)
            allowed = _middles(columns, rows, span if group.count == 1 or ease == 0 else (0.0, 1.0))
            spot = search(room, group.kind, rows, columns, allowed, ease, rng)
            if spot is not None:
                return spot
    raise RuntimeError(f"a {group.kind} found no place")  # the last ease takes any place


def _least_area(group: Group) -> float:
    """Return the least share of the picture that one thing of a group covers."""
    hidden = 1.2 if group.kind == "boat" else 1.0  # the water hides a part of the hull
    return LEAST_AREAS[group.count] * hidden


def _width(sprite: Sprite, area: float) -> float:
    """Return how wide a sprite is that covers a share of the picture, relative to the picture's width."""
    rows, columns = sprite.alpha.shape
    fill = float((sprite.alpha > 0.5).float().mean())
    return math.sqrt(area / fill * columns / rows)


def _columns(group: Group, index: int, middle: float) -> tuple[float, float]:
    """Return between which shares of the width the middle of a thing may lie; birds fly near the middle of a flock."""
    if group.side is not None:
        return THIRDS[group.side]
    wide = 0.92 if group.kind != "bird" else FLOCK * math.sqrt(group.count / MOST)
    step = wide / group.count
    low = min(max(middle - wide / 2, 0.04), 0.96 - wide) + step * index
    return low + 0.1 * step, low + 0.9 * step


def _middles(columns: int, rows: int, span: tuple[float, float]) -> Tensor:
    """Return where the upper left cell of a thing may lie: inside the picture, its middle in a span of the width."""
    allowed = torch.zeros(CELLS - rows + 1, CELLS - columns + 1, dtype=torch.bool)
    middle = (torch.arange(CELLS - columns + 1) + columns / 2) / CELLS
    inside = (middle >= span[0]) & (middle <= span[1])
    allowed[MARGIN : allowed.shape[0] - 2, MARGIN : allowed.shape[1] - MARGIN] = True
    return allowed & inside[None]


def _least(values: Tensor, rows: int, columns: int) -> Tensor:
    """Return the least value in every rectangle of cells, by its upper left cell."""
    for dim, length in ((0, rows), (1, columns)):
        reached = 1
        while reached < length:  # the least of two short stretches is that of a longer one
            step, left = min(reached, length - reached), values.shape[dim]
            values = torch.minimum(values.narrow(dim, 0, left - step), values.narrow(dim, step, left - step))
            reached += step
    return values


def _pick(weight: Tensor, rng: np.random.Generator) -> tuple[int, int] | None:
    """Pick a cell at random by its weight; None if all are 0."""
    flat = weight.flatten().double().cumsum(0)
    if float(flat[-1]) <= 0:
        return None
    index = int(torch.searchsorted(flat, float(rng.random()) * float(flat[-1]), right=True))
    return divmod(min(index, len(flat) - 1), weight.shape[1])


def _search_sky(
    room: Room, kind: str, rows: int, columns: int, allowed: Tensor, ease: int, rng: np.random.Generator
) -> Spot | None:
    """Find free sky; if there is too little, a place in front of far land, then any place."""
    sky = (room.free & ~room.taken).float()
    possible = sky
    if ease == 1:
        possible = ((room.free | (room.depth > 2.5)) & ~room.taken).float()
    elif ease == 2:
        possible = (~room.taken).float()
    elif ease == 3:
        possible = torch.ones_like(sky)
    weight = ((_least(possible, rows, columns) > 0.5) & allowed).float()
    if ease > 0:  # as much sky as there is
        share = F.avg_pool2d(F.avg_pool2d(sky[None, None], (rows, 1), 1), (1, columns), 1)[0, 0]
        weight = weight * (share + 0.02) ** 4
    found = _pick(weight, rng)
    if found is None:
        return None
    nearest = float(room.depth[found[0] : found[0] + rows, found[1] : found[1] + columns].min())
    away = min(float(rng.uniform(*FLYING_DISTANCE[kind])), 0.85 * nearest)
    return Spot(found[0], found[1], rows, columns, away)


def _search_foot(
    room: Room, kind: str, rows: int, columns: int, allowed: Tensor, ease: int, rng: np.random.Generator
) -> Spot | None:
    """Find water for a boat or ground for a tree or tower, with nothing in front of it.

    Where there is too little water, a boat comes before the land at its sides rather than onto it.
    """
    afloat = kind == "boat"
    depth = room.depth
    base = _bases(room, afloat, ease)
    # The foot is the lowest row of the rectangle.
    squeezed = afloat and ease >= 2
    foot_width = max(1, round((0.3 if squeezed else FOOT_WIDTHS[kind]) * columns))
    shift = (columns - foot_width) // 2
    feet = _least(base.float(), 1, foot_width)[rows - 1 :, shift : shift + CELLS - columns + 1] > 0.5
    away = depth[rows - 1 :, columns // 2 : columns // 2 + CELLS - columns + 1]
    before = -F.max_pool2d(-torch.where(room.water, FAR, depth)[None], (1, 3), 1, (0, 1))[0]  # a trunk may be thin
    clear = _least(before[:-1], rows - 1, columns)
    possible = feet & allowed & (_least((~room.taken).float(), rows, columns) > 0.5)
    if ease <= 2 and not squeezed:
        possible = possible & (clear > CLEAR * away)
    weight = torch.exp(-(((away / BEST_DISTANCE[kind]).clamp(min=0.05).log() / 0.5) ** 2)) + 1e-3
    found = _pick(weight * possible, rng)
    if found is None and ease == 3:
        found = _pick(weight * allowed, rng)
    if found is None:
        return None
    distance, nearest = float(away[found]), float(clear[found])
    return Spot(found[0], found[1], rows, columns, min(distance, 0.985 * nearest, 60.0))


def _bases(room: Room, afloat: bool, ease: int) -> Tensor:
    """Return where something can stand or swim: the best places first, then any land, then an islet, then anywhere."""
    if ease == 3:
        return torch.ones_like(room.water)
    if afloat:
        return room.deep & (room.depth < FARTHEST_FOOT) & (room.depth > 0.35) if ease < 2 else room.water
    if ease == 0:
        return room.ground & (room.depth < FARTHEST_FOOT) & (room.depth > 0.35)
    return room.land | (room.water & (room.depth < FARTHEST_FOOT)) if ease == 2 else room.land


def _stand(
    room: Room, spot: Spot, group: Group, sprite: Sprite, light: Light, rng: np.random.Generator
) -> list[Drawable]:
    """Turn a spot into a figure in the world, with its wake."""
    camera = room.camera
    unit = 2 * camera.width * spot.away / CELLS  # size of a cell at that distance
    height = sprite.alpha.shape[0] * unit * spot.columns / sprite.alpha.shape[1]
    middle = (spot.left + spot.columns / 2) / CELLS * 2 - 1
    bottom = (camera.horizon - (spot.top + spot.rows) / CELLS) * 2 * camera.width
    right, base = middle * camera.width * spot.away, camera.height + bottom * spot.away
    flip = bool(rng.random() < 0.5) and group.kind != "bird"  # a flock keeps its course
    flies, afloat = group.kind in SKY_KINDS, group.kind == "boat"
    if afloat:  # the middle of the lowest row of cells shows the surface
        base += unit / 2 - (1 - WATERLINE) / 2 * height
    elif not flies:
        base -= 0.02 * height
    color = reflectance(SCREEN_COLORS[group.color])
    glow = 0.13 * _lamps(light)
    figure = Figure(
        sprite=sprite,
        right=right,
        base=base,
        away=spot.away,
        width=spot.columns * unit,
        height=height,
        label=LABELS[group.kind],
        flip=flip,
        floats=flies,
        reflected=group.kind != "bird",
        halo=color * glow if glow and group.kind == "lantern" else None,
        foot=FEET.get(group.kind, 0.0),
        draught=(1 - WATERLINE) / 2 if afloat else None,
        swell=afloat and _found(room.swell, spot),
    )
    if not flies and not afloat and _found(room.water, spot):
        return _raise_from_water(figure)
    if afloat:
        surface = base + (1 - WATERLINE) / 2 * height
        return [Wake(right, surface, spot.away, figure.width, flip, float(rng.uniform(0, 9))), figure]
    return [figure]


def _found(where: Tensor, spot: Spot) -> bool:
    """Return whether something holds at the foot of a spot."""
    return bool(where[spot.top + spot.rows - 1, spot.left + spot.columns // 2])


def _raise_from_water(figure: Figure) -> list[Drawable]:
    """Put an islet under a figure."""
    sprite = islet(48)
    width = figure.width * ISLET_WIDTH * (figure.foot + 0.5)
    height = width * sprite.alpha.shape[0] / sprite.alpha.shape[1]
    base = -0.12 * height
    ground = Figure(
        sprite=sprite,
        right=figure.right,
        base=base,
        away=figure.away * 1.001,
        width=width,
        height=height,
        label=LABELS["place"],
    )
    return [ground, replace(figure, base=base + (1 - TOP) * height - 0.02 * figure.height, foot=0.0)]


def _lamps(light: Light) -> float:
    """Return how strongly lamps shine, from 0 to 1: only at dusk and at night."""
    return max(0.0, light.darkness - 0.6) / 0.4


SPRITES: dict[str, Callable[[Tensor, Light, int, float, np.random.Generator], Sprite]] = {
    "bird": lambda color, light, rows, course, rng: bird(color, round(0.76 * rows), course, rng),
    "lantern": lambda color, light, rows, course, rng: lantern(color, _lamps(light), rows, rng),
    "balloon": lambda color, light, rows, course, rng: balloon(color, _lamps(light), rows, rng),
    "boat": lambda color, light, rows, course, rng: boat(color, _lamps(light), rows, rng),
    "tree": lambda color, light, rows, course, rng: tree(color, rows, rng),
    "tower": lambda color, light, rows, course, rng: tower(color, _lamps(light), rows, rng),
}
