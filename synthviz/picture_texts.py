"""Every text that a picture file carries about itself: PNG texts, EXIF, XMP, IPTC, comments, Content Credentials.

Formats: PNG (W3C, third edition), EXIF 3.0 (CIPA DC-008), XMP (ISO 16684-1), IPTC IIM 4.2 and Photo Metadata 2025.1,
C2PA 2.2, whose manifests are JUMBF boxes (ISO 19566-5).
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

EXIF_DIRECTORY, USER_COMMENT = 0x8769, 0x9286
EXIF_TEXTS = {
    0x010E: "ImageDescription", 0x010F: "Make", 0x0110: "Model", 0x0131: "Software", 0x013B: "Artist",
    0x9C9B: "XPTitle", 0x9C9C: "XPComment", 0x9C9E: "XPKeywords", 0x9C9F: "XPSubject",
}  # fmt: skip
MAKER_NOTE = 0x927C
IPTC_TEXTS = {(2, 5): "title", (2, 40): "instructions", (2, 65): "program", (2, 105): "headline", (2, 120): "caption"}
XMP_TEXTS = (
    "dc:description", "dc:title", "exif:UserComment", "xmp:CreatorTool", "photoshop:Credit", "Iptc4xmpExt:AISystemUsed",
    "Iptc4xmpExt:AISystemVersionUsed", "Iptc4xmpExt:AIPromptInformation",
)  # fmt: skip
NOT_TEXTS = ("xmp", "XML:com.adobe.xmp", "Raw profile type exif", "Raw profile type iptc", "compression")
MARKUP = re.compile(r"<[^<>]*>")


def picture_texts(image: ImageFile) -> dict[str, str]:
    """Return the texts of an opened picture, by their place: "parameters" of a PNG, "EXIF UserComment", "XMP dc:title".

    Texts that are damaged are skipped.
    """
    found = {str(key): text for key, value in image.info.items() if (text := _info_text(str(key), value))}
    for texts in (_exif_texts, _iptc_texts, _xmp_texts):
        with suppress(Exception):  # Pillow raises nearly anything on damaged metadata
            found.update(texts(image))
    return {key: text.strip() for key, text in found.items() if text.strip()}


def xmp_of(image: ImageFile) -> str:
    """Return the XMP of an opened picture as text, "" if there is none."""
    xmp = image.info.get("XML:com.adobe.xmp") or image.info.get("xmp") or ""
    return _decoded(xmp) if isinstance(xmp, bytes) else str(xmp)


def content_credentials(content: bytes) -> bytes:
    """Return the C2PA manifests in the bytes of a file, which hold readable texts; b"" if there are none.

    Nothing is verified: neither signatures nor hashes.
    """
    parts = []
    for found in re.finditer(rb"jumb.{4}jumdc2pa", content, re.DOTALL):
        start = found.start() - 4
        length = int.from_bytes(content[start : start + 4], "big")
        parts.append(content[start : start + max(length, 16)])
    return b"".join(parts)


def _info_text(key: str, value: object) -> str:
    """Return a text of Pillow's `info`: those of PNG, and comments of JPEG and GIF."""
    if key in NOT_TEXTS:
        return ""
    if key == "comment" and isinstance(value, bytes):
        return _decoded(value)
    return value if isinstance(value, str) else ""


def _exif_texts(image: ImageFile) -> Iterator[tuple[str, str]]:
    exif = image.getexif()
    inner = exif.get_ifd(EXIF_DIRECTORY)
    for tag, name in EXIF_TEXTS.items():
        if tag in exif:
            yield f"EXIF {name}", _exif_text(exif[tag], is_wide=name.startswith("XP"))
    if USER_COMMENT in inner:
        yield "EXIF UserComment", _user_comment(inner[USER_COMMENT])
    if MAKER_NOTE in inner and len(inner[MAKER_NOTE]) <= 20:  # that of a camera is long and holds no text
        yield "EXIF MakerNote", _exif_text(inner[MAKER_NOTE], is_wide=False)


def _exif_text(value: Any, is_wide: bool) -> str:
    if isinstance(value, str):
        with suppress(UnicodeError):  # Pillow reads as Latin-1 what many programs write as UTF-8
            return value.encode("latin-1").decode("utf-8").replace("\0", "")
        return value.replace("\0", "")
    content = bytes(value)
    return content.decode("utf-16-le", "replace").rstrip("\0") if is_wide else _decoded(content)


def _user_comment(value: Any) -> str:
    """Decode a UserComment, which begins with the name of its character code in 8 bytes."""
    if isinstance(value, str):
        return _exif_text(value, is_wide=False)
    code, content = bytes(value[:8]), bytes(value[8:])
    if code == b"UNICODE\0":
        # The byte order is that of the EXIF, by the standard; many programs write the other one.
        is_big = content[::2].count(0) > content[1::2].count(0)
        return content.decode("utf-16-be" if is_big else "utf-16-le", "replace").strip("\ufeff\0")
    if code.rstrip(b"\0") in (b"", b"ASCII", b"JIS"):
        return _decoded(content, "iso2022_jp" if code.startswith(b"JIS") else "utf-8")
    return _decoded(code + content)


def _iptc_texts(image: ImageFile) -> Iterator[tuple[str, str]]:
    from PIL import IptcImagePlugin

    found = IptcImagePlugin.getiptcinfo(image) or {}
    for key, name in IPTC_TEXTS.items():
        if key in found:
            value = found[key]
            yield f"IPTC {name}", _decoded(value[0] if isinstance(value, list) else value)


def _xmp_texts(image: ImageFile) -> Iterator[tuple[str, str]]:
    """Find properties by their names, as attributes or elements; a damaged XMP gives what it still holds."""
    xmp = xmp_of(image)
    for name in XMP_TEXTS:
        found = re.search(rf'\b{name}="([^"]*)"|<{name}\b[^>]*>(.*?)</{name}>', xmp, re.DOTALL)
        if found:
            yield f"XMP {name}", html.unescape(MARKUP.sub("", found[1] or found[2] or ""))


def _decoded(content: bytes, encoding: str = "utf-8") -> str:
    content = content.strip(b"\0")
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        return content.decode("latin-1")
