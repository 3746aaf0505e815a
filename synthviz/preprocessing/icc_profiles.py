"""ICC profiles of colour spaces that a file names by numbers: gamma and primaries, or code points.

The profiles have three primaries and a curve, as in ICC.1:2001-04 (version 2.4), which every colour engine reads.
"""

from __future__ import annotations

import functools
import struct

import numpy as np

Chromaticity = tuple[float, float]  # CIE 1931 x, y
D65: Chromaticity = (0.3127, 0.3290)
D50_XYZ = (0.9642, 1.0, 0.8249)
# Red, green, blue. The numbers are the code points of ITU-T H.273, table 2.
PRIMARIES: dict[int, tuple[str, tuple[Chromaticity, Chromaticity, Chromaticity]]] = {
    1: ("BT.709", ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))),
    5: ("BT.601 (625 lines)", ((0.64, 0.33), (0.29, 0.60), (0.15, 0.06))),
    6: ("BT.601 (525 lines)", ((0.63, 0.34), (0.31, 0.595), (0.155, 0.07))),
    9: ("BT.2020", ((0.708, 0.292), (0.17, 0.797), (0.131, 0.046))),
    12: ("Display P3", ((0.68, 0.32), (0.265, 0.69), (0.15, 0.06))),
}
ADOBE_RGB: tuple[Chromaticity, Chromaticity, Chromaticity] = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06))
ADOBE_GAMMA = 563 / 256
SRGB = 0.0  # in place of a gamma: the curve of IEC 61966-2-1
# The gamma of the code points of ITU-T H.273, table 3; browsers read those of BT.709 and BT.601 as sRGB.
TRANSFERS = {1: SRGB, 4: 2.2, 5: 2.8, 6: SRGB, 8: 1.0, 13: SRGB, 14: SRGB, 15: SRGB}
CURVE_POINTS = 4096
# Bradford's matrix, which adapts a white point as the ICC specification does it.
BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])


@functools.cache
def rgb_profile(
    name: str,
    primaries: tuple[Chromaticity, Chromaticity, Chromaticity],
    white: Chromaticity = D65,
    gamma: float = SRGB,
) -> bytes:
    """Return the ICC profile of a colour space.

    Args:
        name: its description, in ASCII.
        primaries: chromaticities of red, green and blue.
        white: chromaticity of white.
        gamma: the exponent that makes light from values in [0, 1]; `SRGB` for the curve of sRGB.

    Raises:
        ValueError: if the primaries span no triangle, or the white point or gamma is not above 0.
    """
    columns = _primaries_to_d50(primaries, white)
    if not gamma >= 0:
        raise ValueError(f"gamma is {gamma}; it must be above 0")
    levels = np.linspace(0, 1, CURVE_POINTS)
    light = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)
    curve = np.round(65535 * (light if gamma == SRGB else levels**gamma)).astype(">u2").tobytes()
    curve = b"curv\0\0\0\0" + struct.pack(">I", CURVE_POINTS) + curve
    text = name.encode("ascii", "replace") + b"\0"
    tags = {
        b"desc": b"desc\0\0\0\0" + struct.pack(">I", len(text)) + text + b"\0" * 78,
        b"cprt": b"text\0\0\0\0no copyright\0",
        b"wtpt": _xyz(D50_XYZ),
        **{bytes([letter]) + b"XYZ": _xyz(columns[:, at]) for at, letter in enumerate(b"rgb")},
        **{bytes([letter]) + b"TRC": curve for letter in b"rgb"},
    }
    return _assemble(tags)


def grey_to_light(profile: bytes, values: np.ndarray) -> np.ndarray:
    """Return the light of greys, by the tone curve of a profile.

    Args:
        profile: an ICC profile for greys, or one for colours, whose green curve then counts.
        values: greys in [0, 1].

    Returns:
        Light in [0, 1], of the same shape.

    Raises:
        ValueError: if the profile has no such curve.
    """
    try:
        (count,) = struct.unpack_from(">I", profile, 128)
        tags = {}
        for at in range(132, 132 + 12 * min(count, 1000), 12):
            name, start, size = struct.unpack_from(">4sII", profile, at)
            tags[name] = profile[start : start + size]
        curve = tags.get(b"kTRC") or tags[b"gTRC"]
        return np.asarray(np.clip(_apply_curve(curve, values), 0, 1))
    except (struct.error, KeyError, ValueError) as error:
        raise ValueError("its profile has no tone curve for greys") from error


def srgb_from_light(light: np.ndarray) -> np.ndarray:
    """Return values of sRGB, in [0, 1], for light in [0, 1] (IEC 61966-2-1)."""
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def _apply_curve(curve: bytes, values: np.ndarray) -> np.ndarray:
    """Apply a curve of the type "curv" or "para" (ICC.1:2022, 10.6 and 10.18)."""
    kind, count = struct.unpack_from(">4s4xI", curve)
    if kind == b"curv":
        if count == 0:
            return values
        points = np.frombuffer(curve, ">u2", min(count, (len(curve) - 12) // 2), 12)
        if len(points) == 1:
            return np.asarray(values ** (float(points[0]) / 256))
        return np.asarray(np.interp(values, np.linspace(0, 1, len(points)), points / 65535))
    if kind != b"para":
        raise KeyError(kind)
    gamma, *rest = (np.frombuffer(curve, ">i4", (len(curve) - 12) // 4, 12) / 65536).tolist()
    a, b, c, d, e, f = (*rest, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)[:6]
    formula = count >> 16
    if formula == 0:
        a = 1.0
    elif formula in (1, 2):
        e = f = c  # 0 for the formula 1
        c, d = 0.0, (-b / a if a else 0.0)
    return np.asarray(np.where(values >= d, np.maximum(a * values + b, 0) ** gamma + e, c * values + f))


def _primaries_to_d50(primaries: tuple[Chromaticity, ...], white: Chromaticity) -> np.ndarray:
    """Return the XYZ of red, green and blue as columns, adapted to the white point D50."""
    xyz = np.array([(x / y, 1, (1 - x - y) / y) if y else (np.nan,) * 3 for x, y in (*primaries, white)]).T
    if not np.isfinite(xyz).all() or abs(np.linalg.det(xyz[:, :3])) < 1e-6:
        raise ValueError(f"the primaries {primaries} and the white point {white} span no colours")
    columns = xyz[:, :3] * np.linalg.solve(xyz[:, :3], xyz[:, 3])
    cones = (BRADFORD @ D50_XYZ) / (BRADFORD @ xyz[:, 3])
    adapted: np.ndarray = np.linalg.inv(BRADFORD) @ (cones[:, None] * (BRADFORD @ columns))
    return adapted


def _xyz(values: np.ndarray | tuple[float, ...]) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(float(value) * 65536) for value in values))


def _assemble(tags: dict[bytes, bytes]) -> bytes:
    """Return a profile: its header, the table of tags, and the tags, each on a multiple of 4 bytes."""
    at = 128 + 4 + 12 * len(tags)
    table, data = struct.pack(">I", len(tags)), b""
    for signature, content in tags.items():
        table += struct.pack(">4sII", signature, at + len(data), len(content))
        data += content + b"\0" * (-len(content) % 4)
    header = struct.pack(">I4sI4s4s4s12s4s", at + len(data), b"", 0x02400000, b"mntr", b"RGB ", b"XYZ ", b"", b"acsp")
    header = header.ljust(68, b"\0") + _xyz(D50_XYZ)[8:]
    return header.ljust(128, b"\0") + table + data
