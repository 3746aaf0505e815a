"""A figure: a coloured thing in the picture, lit by its light, whose colour stays readable in every light."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from synthviz.world.labels import LABELS
from synthviz.world.light import to_screen
from synthviz.world.noise import smoothstep
from synthviz.world.sky import paint_color
from synthviz.world.sprites import Sprite
from synthviz.world.vectors import evenly_spaced, points, unit
from synthviz.world.view import View

MOST_TINT = (0.16, 0.30)  # share of the light's own colour that a coloured and a pale figure take on
MOST_HAZE, BRIGHTEST_HAZE = 0.17, (0.28, 0.8)  # more would wash a dark colour out
LEAST_LIGHT, LEAST_LIGHT_PALE = (0.62, 0.38), (1.15, 0.47)  # mean light on a figure, by day and at night
MOST_LIGHT = (1.15, 1.6)  # mean light on a coloured and on a pale figure; white must not look grey before the sky
MIRRORED = 0.75  # light of a mirror image, so that it is not counted as another thing
CONTRAST = 0.30  # least difference between a figure and what is behind it, in screen colours
PALE = 0.36  # mean green reflectance above which a figure is white or yellow: in the dark it would be grey or brown
LOWEST_RISE = 0.16  # tangent of the light's least elevation for shadows, which would else be endless
LONGEST_SHADOW = 5.0  # relative to the height of the figure
NEAREST_SHADOW = 0.35  # distance at which shadows end, relative to that of the figure
# Brightness that is tried until a figure stands out: before something dark, before something bright, for pale ones.
BRIGHTER, DARKER, SHINING = (1.0, 1.25, 0.8, 1.55, 0.65), (1.0, 0.82, 1.3, 0.68), (1.0, 1.2, 1.4, 0.84)


@dataclass(frozen=True)
class Figure:
    """A thing that a scene names.

    Attributes:
        sprite: its picture.
        right: of its middle, relative to the camera.
        base: height of its lower edge above the water.
        away: distance along the view.
        width: in the units of the world.
        height: in the units of the world.
        label: index into `labels.THINGS`.
        flip: whether it is mirrored left to right.
        floats: whether it hangs in the air.
        reflected: whether water mirrors it.
        halo: (3,) light that it sheds around it; None if it does not glow.
        foot: half the width of its shadow relative to its own width; 0 without a shadow.
        draught: share of its height that is under water; None for what does not swim.
        swell: whether it swims on a sea whose waves no mirror image reaches; then it draws its own.
    """

    sprite: Sprite
    right: float
    base: float
    away: float
    width: float
    height: float
    label: int
    flip: bool = False
    floats: bool = False
    reflected: bool = True
    halo: Tensor | None = None
    foot: float = 0.0
    draught: float | None = None
    swell: bool = False

    def draw(self, view: View) -> None:
        """Draw the figure with its halo or shadow."""
        if view.mirrored and not self.reflected:
            return
        left, foot = view.project(self.right - self.width / 2, self.base, self.away)
        right, head = view.project(self.right + self.width / 2, self.base + self.height, self.away)
        if self.halo is not None:
            self._shed_light(view, (left + right) / 2, (foot + head) / 2, right - left)
        if self.foot and not view.mirrored:
            self._cast_shadow(view)
        window = view.window(left, min(foot, head), right, max(foot, head))
        if window is None:
            return
        rows, columns = window
        u = ((torch.arange(columns.start, columns.stop) + 0.5 - left) / (right - left)) * 2 - 1
        v = ((torch.arange(rows.start, rows.stop) + 0.5 - head) / (foot - head)) * 2 - 1
        albedo, alpha, normal, emission, open_sky = self._look_up(-u if self.flip else u, v)
        pale = float((albedo[1] * alpha).sum() / alpha.sum().clamp(min=1e-3)) > PALE
        light = self._light(view, normal, alpha, open_sky, pale)
        behind = view.color[:, rows, columns]
        color = _stand_out(albedo * light + emission, alpha, behind, pale or self.halo is not None)
        share = view.haze_share(self.away, self.base + self.height / 2).clamp(max=MOST_HAZE)
        color = color + (view.haze_color[:, rows, columns].clamp(max=BRIGHTEST_HAZE[pale]) - color) * share
        if view.mirrored:
            color = color * MIRRORED
        if self.foot:
            alpha = self._root(rows, columns, alpha, max(foot, head), abs(foot - head))
        if self.draught is not None:
            line = foot - self.draught * (foot - head)
            alpha = self._sink(view, rows, columns, alpha, line)
            if self.swell and not view.mirrored:
                self._mirror_in_waves(view, rows, columns, color, alpha, line)
        view.put(rows, columns, color, alpha, self.away, self.label)

    def _look_up(self, u: Tensor, v: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Return reflectance, coverage, normals, emission and open sky at the pixels of columns u and rows v."""
        sprite = self.sprite
        emission = torch.zeros_like(sprite.albedo) if sprite.emission is None else sprite.emission
        open_sky = torch.ones_like(sprite.alpha) if sprite.open_sky is None else sprite.open_sky
        texture = torch.cat([sprite.albedo, sprite.alpha[None], sprite.normal, emission, open_sky[None]])[None]
        shrink = int(min(texture.shape[-2] / max(1, len(v)), texture.shape[-1] / max(1, len(u))))
        if shrink >= 2:
            texture = F.avg_pool2d(texture, shrink)
        grid = points(u.expand(len(v), -1), v[:, None].expand(-1, len(u)))[None]
        found = F.grid_sample(texture, grid, padding_mode="zeros", align_corners=False)[0]
        normal = unit(found[4:7])
        if self.flip:
            normal = torch.stack([-normal[0], normal[1], normal[2]])
        return found[:3], found[3], normal, found[7:10], found[10]

    def _light(self, view: View, normal: Tensor, alpha: Tensor, open_sky: Tensor, pale: bool) -> Tensor:
        """Return the light on a white figure, (3, h, w), neither too dim nor too coloured to read its colour."""
        lit = 1.0
        if view.shadows is not None and not self.floats:
            x, z = view.camera.to_world(torch.tensor([[self.right]]), torch.tensor([[self.away]]))
            lit = 0.25 + 0.75 * float(view.shadows.at(x, z)[0])
        white = view.illuminate(torch.ones_like(normal), normal, lit, open_sky)
        strength = white.mean(0)
        total = alpha.sum().clamp(min=1e-3)
        mean = (strength * alpha).sum() / total
        tint = (white * alpha).sum((1, 2)) / total / mean.clamp(min=1e-6)
        tint = 1 + MOST_TINT[pale] * (tint - 1)
        by_day, at_night = LEAST_LIGHT_PALE if pale else LEAST_LIGHT
        least = by_day + (at_night - by_day) * view.light.darkness
        strength = (strength / mean.clamp(min=1e-6)).clamp(0, 3) ** 0.85
        return strength * mean.clamp(least, MOST_LIGHT[pale]) * paint_color(tint)

    def _sink(self, view: View, rows: slice, columns: slice, alpha: Tensor, line: float) -> Tensor:
        """Cut off what is under water along small ripples; what is above it hides the waves in front."""
        if not view.mirrored:
            water = view.labels[rows, columns] == LABELS["water"]
            depth = view.depth[rows, columns]
            view.depth[rows, columns] = torch.where(water, depth.clamp(min=self.away), depth)
        x = torch.arange(columns.start, columns.stop)
        long = view.size / 40
        ripples = torch.sin(x / long + 9 * self.right) + 0.6 * torch.sin(x / long * 2.3 + 4 * self.away)
        y = torch.arange(rows.start, rows.stop) + 0.5 - line
        above = (0.5 - y[:, None] - 0.0022 * view.size * ripples).clamp(0, 1)
        return alpha * (1 - above if view.mirrored else above)

    def _mirror_in_waves(
        self, view: View, rows: slice, columns: slice, color: Tensor, alpha: Tensor, line: float
    ) -> None:
        """Lay a mirror image, broken by the waves, on the water below the line of the water."""
        height = line - rows.start
        window = view.window(columns.start, line, columns.stop, line + 0.8 * height)
        if window is None or height < 4:
            return
        below, across = window
        down = (torch.arange(below.start, below.stop) + 0.5 - line).clamp(min=0)
        share = down / height
        sway = 0.10 * share.sqrt() * (torch.sin(38 * share.sqrt() + 5 * self.right) + 0.5 * torch.sin(61 * share))
        v = 1 - 2 * down / height
        u = evenly_spaced(-1, 1, across.stop - across.start)
        grid = points(u + sway[:, None], v[:, None].expand(-1, len(u)))[None]
        above = slice(0, max(1, round(height)))
        image = torch.cat([color * alpha, alpha[None]])[None, :, above]
        found = F.grid_sample(image, grid, padding_mode="zeros", align_corners=False)[0]
        broken = 0.75 + 0.25 * torch.sin(47 * share.sqrt() + 3 * self.away)
        strength = 0.55 * torch.exp(-1.6 * share) * broken
        strength = strength[:, None] * (view.labels[below, across] == LABELS["water"])
        there = view.color[:, below, across]
        view.color[:, below, across] = there * (1 - found[3] * strength) + 0.6 * found[:3] * strength

    def _shed_light(self, view: View, column: float, row: float, width: float) -> None:
        """Add a soft glow to everything around the figure."""
        assert self.halo is not None
        reach = 1.9 * width
        window = view.window(column - reach, row - reach, column + reach, row + reach)
        if window is None:
            return
        rows, columns = window
        x = (torch.arange(columns.start, columns.stop) + 0.5 - column) / reach
        y = (torch.arange(rows.start, rows.stop) + 0.5 - row) / reach
        away = (x[None] ** 2 + y[:, None] ** 2).clamp(max=1)
        view.color[:, rows, columns] += paint_color(self.halo) * (1 - away) ** 3

    def _cast_shadow(self, view: View) -> None:
        """Darken the ground at the foot, and everything between which and the light the figure stands."""
        light = view.light.direction
        flat = max(0.05, float(torch.hypot(light[0], light[2])))
        toward_x, toward_z = float(light[0]) / flat, float(light[2]) / flat
        rise = max(LOWEST_RISE, float(light[1]) / flat)
        window = self._shadow_window(view, toward_x, toward_z, self.height / rise)
        if window is None:
            return
        rows, columns = window
        camera, away = view.camera, view.depth[rows, columns].clamp(max=1e4)
        right = camera.columns(view.size)[columns][None] * away
        x, y = right - self.right, camera.height + camera.rows(view.size)[rows][:, None] * away - self.base
        z = away - self.away
        # The figure is as wide from every side: a ray towards the light passes it at this height, this far aside.
        height = y - (x * toward_x + z * toward_z) * rise
        aside = x * toward_z - z * toward_x
        grid = points(2 * aside / self.width, 1 - 2 * height / self.height)[None]
        alpha = F.avg_pool2d(self.sprite.alpha[None, None], 5, 2, 2, count_include_pad=False)
        shade = F.grid_sample(alpha, grid, padding_mode="zeros", align_corners=False)[0, 0]
        reach = -(x * toward_x + z * toward_z) / min(self.height / rise, LONGEST_SHADOW * self.height)
        # Shadows fade before they leave the window in which they are drawn.
        shade = shade * smoothstep(1.0, 0.6, reach)
        shade = shade * smoothstep(NEAREST_SHADOW - 1, NEAREST_SHADOW - 0.75, z / self.away)
        lit = torch.ones_like(shade)
        if view.shadows is not None:
            lit, _ = view.shadows.at(*camera.to_world(right, away))
        near = self.foot * self.width
        contact = torch.exp(-(x.square() + z.square()) / near**2 - (y / near).square())
        dark = (0.6 * shade * lit * max(0.0, 1 - 1.2 * view.sky.veil)).clamp(max=0.6)
        dark = torch.maximum(dark, 0.5 * contact) * (1 - view.haze_share(away, 0.0))
        dark = dark * (view.labels[rows, columns] == LABELS["place"])
        view.color[:, rows, columns] *= 1 - paint_color(torch.tensor([1.0, 0.96, 0.88])) * dark

    def _shadow_window(self, view: View, toward_x: float, toward_z: float, length: float) -> tuple[slice, slice] | None:
        """Return the part of the view in which a shadow of this length on the ground can be seen."""
        half, spread = self.width / 2, []
        for reach in (-half, min(length, LONGEST_SHADOW * self.height)):
            away = max(NEAREST_SHADOW * self.away, self.away - toward_z * reach)
            for side in (-half, half):
                spread.append(view.project(self.right - toward_x * reach + side, self.base, away))
        margin = 0.35 * view.pixels_per_unit(self.away) * self.height  # the ground is not flat
        left, right = min(column for column, _ in spread), max(column for column, _ in spread)
        top, bottom = min(row for _, row in spread), max(row for _, row in spread)
        return view.window(left, top - margin, right, bottom + margin)

    def _root(self, rows: slice, columns: slice, alpha: Tensor, foot: float, tall: float) -> Tensor:
        """Let the ground reach up the foot in small tufts."""
        x = torch.arange(columns.start, columns.stop) / max(1.0, tall / 90)
        tuft = 0.5 + 0.3 * torch.sin(1.3 * x + 9 * self.right) + 0.2 * torch.sin(0.53 * x + 5 * self.away)
        y = foot - torch.arange(rows.start, rows.stop) - 0.5
        return alpha * (y[:, None] - 0.028 * tall * tuft + 0.5).clamp(0, 1)


def _stand_out(color: Tensor, alpha: Tensor, behind: Tensor, bright: bool) -> Tensor:
    """Brighten or darken a figure until it differs enough from what is behind it."""
    total = alpha.sum().clamp(min=1e-3)
    mean = (color * alpha).sum((1, 2)) / total
    back = to_screen((behind * alpha).sum((1, 2)) / total)
    gains = SHINING if bright else DARKER if float(back.mean()) > 0.55 else BRIGHTER
    differences = [float((to_screen(mean * gain) - back).norm()) for gain in gains]
    for gain, difference in zip(gains, differences, strict=True):
        if difference > CONTRAST:
            return color * gain
    return color * gains[differences.index(max(differences))]
