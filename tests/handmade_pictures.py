"""TIFFs, PNGs and icons written byte by byte, because Pillow cannot write every kind that it reads."""

from __future__ import annotations

import struct
import zlib

PNG_START = b"\x89PNG\r\n\x1a\n"


def tiff(
    data: bytes,
    size: tuple[int, int],
    bits: tuple[int, ...],
    photometric: int,
    sample_format: int = 1,
    order: str = "<",
    orientation: int = 1,
) -> bytes:
    """Return a TIFF with one uncompressed strip.

    Args:
        data: the samples as bytes.
        size: width and height in pixels.
        bits: bits of each sample.
        photometric: the tag PhotometricInterpretation.
        sample_format: 1 unsigned, 2 signed, 3 float.
        order: byte order as for `struct`.
        orientation: the tag Orientation.
    """
    width, height = size
    tags = {
        256: (width,),
        257: (height,),
        258: bits,
        259: (1,),
        262: (photometric,),
        273: (0,),  # offset of the strip, set below
        274: (orientation,),
        277: (len(bits),),
        278: (height,),
        279: (len(data),),
        339: (sample_format,) * len(bits),
    }
    tail_at = 8 + 2 + 12 * len(tags) + 4
    tail = b"".join(struct.pack(f"{order}{len(values)}H", *values) for values in tags.values() if len(values) > 2)
    tags[273] = (tail_at + len(tail),)
    file = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(f"{order}IH", 8, len(tags))
    for tag, values in tags.items():
        file += struct.pack(f"{order}HHI", tag, 3, len(values))
        if len(values) > 2:
            file += struct.pack(f"{order}I", tail_at)
            tail_at += 2 * len(values)
        else:
            file += struct.pack(f"{order}{len(values)}H", *values).ljust(4, b"\0")
    return file + struct.pack(f"{order}I", 0) + tail + data


def chunk(kind: bytes, content: bytes) -> bytes:
    """Return a PNG chunk with its checksum."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png_header(size: tuple[int, int], depth: int, colour: int) -> bytes:
    return chunk(b"IHDR", struct.pack(">IIBBBBB", *size, depth, colour, 0, 0, 0))


def png(
    rows: list[bytes],
    size: tuple[int, int],
    depth: int,
    colour: int,
    before: tuple[bytes, ...] = (),
    after: tuple[bytes, ...] = (),
) -> bytes:
    """Return a PNG of rows of packed samples, with other chunks before and after them."""
    pixels = chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows)))
    return (
        PNG_START + png_header(size, depth, colour) + b"".join(before) + pixels + b"".join(after) + chunk(b"IEND", b"")
    )


def with_right_checksums(content: bytes) -> bytes:
    """Correct the checksums of a damaged PNG, up to the first chunk whose length is wrong."""
    repaired, at = bytearray(content), len(PNG_START)
    while at + 12 <= len(repaired):
        end = at + 8 + int.from_bytes(repaired[at : at + 4], "big")
        if end + 4 > len(repaired):
            break
        repaired[end : end + 4] = struct.pack(">I", zlib.crc32(repaired[at + 4 : end]))
        at = end + 4
    return bytes(repaired)


def icon_around(content: bytes) -> bytes:
    """Return an ICO whose directory states 16×16, whatever is inside."""
    return struct.pack("<HHHBBBBHHII", 0, 1, 1, 16, 16, 0, 0, 1, 32, len(content), 22) + content


def apple_icon_around(content: bytes) -> bytes:
    """Return an ICNS that states 16×16, whatever is inside."""
    return b"icns" + struct.pack(">I", 16 + len(content)) + b"icp4" + struct.pack(">I", 8 + len(content)) + content
