"""Picture files without those parts of their metadata that Pillow cannot read, so that the pixels can be decoded.

JPEG (ITU-T T.81), PNG (W3C, third edition), WebP (RFC 9649) and TIFF 6.0 keep metadata in parts of their own. If a
part is damaged, Pillow may refuse the whole file. Here such parts are found and left out; pixels are not changed.
"""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image

PNG_START = b"\x89PNG\r\n\x1a\n"
PNG_PIXELS = b"\0\0\0\nIDAT" + b"\0" * 14  # enough for Pillow to stop reading metadata
ANIMATION = (b"acTL", b"fcTL", b"fdAT")
WEBP_PICTURE = (b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF")
WEBP_FLAGS = {b"ICCP": 0x20, b"EXIF": 0x08, b"XMP ": 0x04}
# The TIFF tags that tell how pixels are stored, and the types that numbers may have.
TIFF_PICTURE = {
    *(254, 255, 256, 257, 258, 259, 262, 266, 273, 274, 277, 278, 279, 284, 292, 293, 317, 320, 322, 323, 324, 325),
    *(332, 338, 339, 513, 514, 529, 530, 531, 532),
}
TIFF_NUMBERS = {1, 3, 4, 5, 16}
TIFF_BYTES = {347, 34675}  # JPEGTables and the ICC profile, whose type is UNDEFINED


@dataclass(frozen=True)
class Part:
    """A part of a file: what kind it is, its bytes, and whether the picture needs it."""

    kind: str
    content: bytes
    needed: bool = False
    damaged: bool = False


def without_damaged_metadata(content: bytes) -> tuple[bytes, list[str]] | None:
    """Return a file without its unreadable metadata, and the kinds of metadata that were left out.

    Args:
        content: the file.

    Returns:
        The bytes of the new file and names such as "Exif" or "iCCP", or None if nothing can be left out.
    """
    for start, rebuild in ((b"\xff\xd8", _jpeg), (PNG_START, _png), (b"RIFF", _webp), (b"II", _tiff), (b"MM", _tiff)):
        if content.startswith(start):
            try:
                rebuilt, left_out = rebuild(content)
            except (struct.error, IndexError):
                return None
            return (rebuilt, left_out) if left_out else None
    return None


def _keep_readable(parts: list[Part], probe: Callable[[bytes], bytes]) -> tuple[bytes, list[str]]:
    """Return the parts that are needed or readable, joined, and the kinds that were left out.

    Args:
        parts: of the file, in their order.
        probe: returns a small file around the parts of one kind; they are readable if Pillow opens this file.
    """
    kinds = {part.kind: b"" for part in parts if not part.needed}
    for part in parts:
        if part.kind in kinds and not part.damaged:
            kinds[part.kind] += part.content
    refused = {kind for kind, content in kinds.items() if not _is_readable(probe(content))}
    refused |= {part.kind for part in parts if part.damaged}
    kept = b"".join(part.content for part in parts if part.needed or part.kind not in refused)
    return kept, sorted(refused)


def _is_readable(content: bytes) -> bool:
    """Whether Pillow reads all metadata of a file, without a warning."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with Image.open(io.BytesIO(content), formats=("JPEG", "PNG")) as image:
                if image.format == "JPEG":  # for the EXIF of a PNG Pillow would decode its pixels
                    image.getexif()
    except Exception:  # decoders raise nearly anything on damaged files
        return False
    return True


def _jpeg(content: bytes) -> tuple[bytes, list[str]]:
    """Leave out application segments and comments that cannot be read."""
    parts, at = [Part("start", content[:2], needed=True)], 2
    while content[at] == 0xFF and content[at + 1] != 0xDA:  # up to the scan with the pixels
        marker = content[at + 1]
        (length,) = struct.unpack_from(">H", content, at + 2)
        segment, at = content[at : at + 2 + length], at + 2 + length
        is_metadata = 0xE0 <= marker <= 0xEF or marker == 0xFE
        parts.append(Part(_segment_name(marker, segment[4:]), segment, needed=not is_metadata))
        while content[at + 1] == 0xFF:  # fill bytes
            at += 1
    header = b"".join(part.content for part in parts if part.needed)
    scan = content[at : at + 16]
    kept, left_out = _keep_readable(parts, lambda segments: header[:2] + segments + header[2:] + scan)
    return kept + content[at:], left_out


def _segment_name(marker: int, content: bytes) -> str:
    if marker == 0xFE:
        return "comment"
    identifier = content.split(b"\0")[0].decode("ascii", "replace")
    if identifier.startswith("http://ns.adobe.com/xap"):
        return "XMP"
    return identifier if len(identifier) <= 16 and identifier.replace("_", "").isalnum() else f"APP{marker - 0xE0}"


def _png(content: bytes) -> tuple[bytes, list[str]]:
    """Leave out ancillary chunks that cannot be read or whose checksum is wrong."""
    parts, header, at, ended = [], b"", len(PNG_START), False
    while at + 12 <= len(content):
        (length,) = struct.unpack_from(">I", content, at)
        chunk, name = content[at : at + 12 + length], content[at + 4 : at + 8]
        at += 12 + length
        ended = name == b"IEND"
        if ended or len(chunk) < 12 + length:
            break
        damaged = zlib.crc32(chunk[4:-4]) != struct.unpack(">I", chunk[-4:])[0]
        needed = not name[0] & 0x20
        kind = "animation" if name in ANIMATION else name.decode("latin-1")
        if name in (b"IHDR", b"PLTE"):
            header += chunk
        parts.append(Part(kind, chunk, needed, damaged and not needed))
    kept, left_out = _keep_readable(parts, lambda chunks: PNG_START + header + chunks + PNG_PIXELS)
    end = b"\0\0\0\0IEND" + struct.pack(">I", zlib.crc32(b"IEND"))
    return PNG_START + kept + end, left_out if ended else [*left_out, "the end of the file"]


def _webp(content: bytes) -> tuple[bytes, list[str]]:
    """Leave out every chunk that holds no pixels."""
    kept, left_out, flags, at = b"", [], 0, 12
    while at + 8 <= len(content):
        name, length = struct.unpack_from("<4sI", content, at)
        chunk = content[at : at + 8 + length + length % 2]
        at += 8 + length + length % 2
        if name in WEBP_PICTURE:
            kept += chunk
        else:
            flags |= WEBP_FLAGS.get(name, 0)
            left_out.append(name.decode("latin-1").strip())
    if kept[:4] == b"VP8X":
        kept = kept[:8] + bytes([kept[8] & ~flags]) + kept[9:]
    return b"RIFF" + struct.pack("<I", 4 + len(kept)) + b"WEBP" + kept, left_out


def _tiff(content: bytes) -> tuple[bytes, list[str]]:
    """Leave out every tag that does not tell how the first page's pixels are stored, and all other pages."""
    order = "<" if content[:2] == b"II" else ">"
    big = struct.unpack_from(order + "H", content, 2)[0] == 43
    count_form, offset_form, entry_form = ("Q", "Q", "HHQ8s") if big else ("H", "I", "HHI4s")
    (start,) = struct.unpack_from(order + offset_form, content, 8 if big else 4)
    (count,) = struct.unpack_from(order + count_form, content, start)
    entry_size = struct.calcsize(order + entry_form)
    first = start + struct.calcsize(order + count_form)
    entries, left_out = [], []
    for at in range(first, min(first + count * entry_size, len(content) - entry_size), entry_size):
        tag, kind, _, _ = struct.unpack_from(order + entry_form, content, at)
        if (tag in TIFF_PICTURE and kind in TIFF_NUMBERS) or (tag in TIFF_BYTES and kind == 7):
            entries.append(content[at : at + entry_size])
        else:
            left_out.append(f"tag {tag}")
    directory = struct.pack(order + count_form, len(entries)) + b"".join(entries) + struct.pack(order + offset_form, 0)
    if any(content[first + count * entry_size :][: struct.calcsize(offset_form)]):
        left_out.append("further pages")
    return content[:start] + directory + content[start + len(directory) :], left_out
