"""`inspect` on pictures as other image generators write them, in every format that carries their texts."""

from __future__ import annotations

import io
import json
import struct

import pytest
from handmade_pictures import chunk
from PIL import ExifTags, Image, features
from PIL.PngImagePlugin import PngInfo

from synthviz.inspection import describe_picture
from synthviz.other_programs import read_settings
from synthviz.records import AI_MADE_XMP

PICTURE = Image.effect_noise((16, 16), 60).convert("RGB")
A1111 = (
    "a red boat, (sea:1.2)\nat dusk\nNegative prompt: blurry, people\n"
    "Steps: 20, Sampler: DPM++ 2M Karras, CFG scale: 7, Seed: 42, Size: 512x768, Model: dream, "
    'Lora hashes: "a: 1, b: 2", Version: v1.9.4'
)
NOVELAI = {"prompt": "a red boat", "uc": "blurry", "seed": 42, "steps": 28, "scale": 5.0, "sampler": "k_euler"}
NOVELAI_COMMENT = json.dumps({"Software": "NovelAI", "Comment": json.dumps(NOVELAI)})
INVOKEAI = {
    "app_version": "5.0.0", "positive_prompt": "a red boat", "negative_prompt": "blurry", "seed": 42, "steps": 30,
    "cfg_scale": 7.5, "scheduler": "euler", "width": 512, "height": 768, "model": {"name": "dream", "hash": "x"},
}  # fmt: skip
INVOKEAI_2 = {
    "model_weights": "dream",
    "image": {"prompt": [{"prompt": "a red boat", "weight": 1}], "seed": 42, "steps": 30},
}
FOOOCUS = {
    "prompt": "a red boat", "negative_prompt": "blurry", "seed": "42", "steps": 30, "guidance_scale": 4,
    "sampler": "dpmpp_2m_sde_gpu", "base_model": "juggernaut", "resolution": "(896, 1152)", "version": "Fooocus v2.5.0",
}  # fmt: skip
COMFYUI = {
    "3": {"class_type": "KSampler", "inputs": {
        "seed": 42, "steps": 20, "cfg": 8, "sampler_name": "euler", "scheduler": "normal",
        "positive": ["12", 0], "negative": ["7", 0], "model": ["4", 0]}},
    "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "dream.safetensors"}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a red boat", "clip": ["4", 1]}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": ["9", 0], "clip": ["4", 1]}},
    "9": {"class_type": "PrimitiveString", "inputs": {"value": "blurry"}},
    "12": {"class_type": "ConditioningCombine", "inputs": {"conditioning_1": ["6", 0]}},
}  # fmt: skip


def png(**texts: str) -> bytes:
    info = PngInfo()
    for key, text in texts.items():
        info.add_itxt(key, text)
    file = io.BytesIO()
    PICTURE.save(file, "PNG", pnginfo=info)
    return file.getvalue()


def with_exif(kind: str, user_comment: bytes | None = None, **tags: str) -> bytes:
    exif = Image.Exif()
    for name, text in tags.items():
        exif[ExifTags.Base[name]] = text
    if user_comment is not None:
        exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.UserComment] = user_comment
    file = io.BytesIO()
    PICTURE.save(file, kind, exif=exif.tobytes())
    return file.getvalue()


def wide(text: str, order: str) -> bytes:
    return b"UNICODE\0" + text.encode(f"utf-16-{order}")


FILES = {
    "AUTOMATIC1111, PNG": (png(parameters=A1111), "AUTOMATIC1111"),
    **{
        f"AUTOMATIC1111, {kind}, {order}": (with_exif(kind, wide(A1111, order)), "AUTOMATIC1111")
        for kind in ("JPEG", "WEBP", "PNG", "TIFF")
        for order in ("be", "le")
    },
    "AUTOMATIC1111, JPEG, ASCII": (with_exif("JPEG", b"ASCII\0\0\0" + A1111.encode()), "AUTOMATIC1111"),
    "AUTOMATIC1111, JPEG, no code": (with_exif("JPEG", b"\0" * 8 + A1111.encode()), "AUTOMATIC1111"),
    "AUTOMATIC1111, ImageDescription": (with_exif("JPEG", ImageDescription=A1111), "AUTOMATIC1111"),
    "ComfyUI, PNG": (png(prompt=json.dumps(COMFYUI), workflow='{"nodes": []}'), "ComfyUI"),
    "ComfyUI, WebP": (
        with_exif("WEBP", Make='workflow:{"nodes": []}', Model="prompt:" + json.dumps(COMFYUI)),
        "ComfyUI",
    ),
    "InvokeAI, PNG": (png(invokeai_metadata=json.dumps(INVOKEAI)), "InvokeAI"),
    "InvokeAI 2, PNG": (png(**{"sd-metadata": json.dumps(INVOKEAI_2)}), "InvokeAI"),
    "Fooocus, PNG": (png(fooocus_scheme="fooocus", parameters=json.dumps(FOOOCUS)), "Fooocus"),
    "Fooocus as AUTOMATIC1111": (png(fooocus_scheme="a1111", parameters=A1111), "Fooocus"),
    "Fooocus, JPEG": (with_exif("JPEG", json.dumps(FOOOCUS).encode(), Software="Fooocus v2.5.0"), "Fooocus"),
    "NovelAI, PNG": (
        png(Title="NovelAI generated image", Software="NovelAI", Description="a red boat", Comment=json.dumps(NOVELAI)),
        "NovelAI",
    ),
    "NovelAI, WebP": (
        with_exif("WEBP", NOVELAI_COMMENT.encode(), Software="NovelAI"),
        "NovelAI",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_settings_of_other_programs(tmp_path, name):
    content, program = FILES[name]
    (tmp_path / "picture").write_bytes(content)
    lines = describe_picture(tmp_path / "picture").splitlines()
    assert any(line.startswith(f"made by: {program}") for line in lines)
    (prompt,) = [line for line in lines if line.startswith("prompt: ") and not line.startswith("prompt: {")]
    assert prompt.startswith("prompt: a red boat")
    assert "seed: 42" in lines
    if "InvokeAI 2" not in name:
        assert any(line.startswith("negative prompt: blurry") for line in lines)
    assert "synthviz's record: none" in lines


def test_the_last_line_of_settings_is_taken_apart(tmp_path):
    settings = read_settings({"parameters": A1111}).settings
    assert settings["prompt"] == "a red boat, (sea:1.2)\nat dusk"
    assert settings["sampler"] == "DPM++ 2M Karras"
    assert settings["lora hashes"] == '"a: 1, b: 2"'
    assert settings["version"] == "v1.9.4"


def test_a_graph_that_runs_in_circles_ends():
    graph = {"1": {"class_type": "KSampler", "inputs": {"seed": 1, "positive": ["2", 0]}}}
    graph["2"] = {"class_type": "A", "inputs": {"a": ["2", 0], "b": ["2", 1]}}
    assert read_settings({"prompt": json.dumps(graph)}).settings == {"seed": "1"}


@pytest.mark.parametrize(
    "text",
    ["{", "{" * 5000, "[]", '{"prompt": 1}', "Steps of a ladder", '{"1": {"class_type": "A", "inputs": 5}}', "NovelAI"],
)
def test_texts_of_no_program(text):
    found = read_settings({"parameters": text, "sd-metadata": text, "Comment": text})
    assert found is None or "seed" not in found.settings


# Labels


def xmp_with(value: str) -> bytes:
    return AI_MADE_XMP.replace("trainedAlgorithmicMedia", value).encode()


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "TIFF", "AVIF", "PNG"])
@pytest.mark.parametrize(
    ("value", "answer"),
    [("trainedAlgorithmicMedia", "yes"), ("compositeWithTrainedAlgorithmicMedia", "in part"), ("digitalCapture", "no")],
)
def test_the_digital_source_type_in_every_format(tmp_path, kind, value, answer):
    if kind == "AVIF" and not features.check("avif"):
        pytest.skip("this Pillow has no AVIF")
    if kind == "PNG":
        (tmp_path / "a").write_bytes(png(**{"XML:com.adobe.xmp": xmp_with(value).decode()}))
    elif kind == "TIFF":
        PICTURE.save(tmp_path / "a", kind, tiffinfo={700: xmp_with(value)})
    else:
        PICTURE.save(tmp_path / "a", kind, xmp=xmp_with(value))
    assert f"(IPTC digital source type): {answer}\n" in describe_picture(tmp_path / "a")


def manifest(text: bytes) -> bytes:
    """A JUMBF box as of a C2PA manifest store, with a text inside."""
    description = b"jumdc2pa\0\x11\0\x10\x80\0\0\xaa\0\x38\x9b\x71\x03c2pa\0"
    description = struct.pack(">I", 4 + len(description)) + description
    return struct.pack(">I", 8 + len(description) + len(text)) + b"jumb" + description + text


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_content_credentials(tmp_path, kind):
    file = io.BytesIO()
    PICTURE.save(file, kind)
    plain = file.getvalue()
    for value, answer in {"trainedAlgorithmicMedia": "yes, in its Content Credentials", "digitalCapture": "no"}.items():
        box = manifest(b"http://cv.iptc.org/newscodes/digitalsourcetype/" + value.encode())
        if kind == "PNG":
            content = plain[:33] + chunk(b"caBX", box) + plain[33:]
        else:
            segment = b"JP\0\1\0\0\0\1" + box
            content = plain[:2] + struct.pack(">HH", 0xFFEB, len(segment) + 2) + segment + plain[2:]
        (tmp_path / "a").write_bytes(content)
        text = describe_picture(tmp_path / "a")
        assert f"(IPTC digital source type): {answer}\n" in text
        assert "Content Credentials (C2PA): present, not verified" in text
    (tmp_path / "a").write_bytes(plain)
    assert "C2PA" not in describe_picture(tmp_path / "a")


# Other texts


def test_captions_of_iptc_and_xmp_and_comments(tmp_path):
    caption = "ein rotes Boot, früh".encode()
    record = b"\x1c\x02\x78" + struct.pack(">H", len(caption)) + caption
    block = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(record)) + record + b"\0" * (len(record) % 2)
    segment = b"Photoshop 3.0\0" + block
    xmp = (
        b'<x:xmpmeta><rdf:RDF><rdf:Description xmp:CreatorTool="a &quot;tool&quot;"><dc:description><rdf:Alt>'
        b'<rdf:li xml:lang="x-default">a &lt;red&gt; boat</rdf:li></rdf:Alt></dc:description></rdf:Description>'
    )
    file = io.BytesIO()
    PICTURE.save(file, "JPEG", xmp=xmp, comment="a comment")
    content = file.getvalue()
    content = content[:2] + struct.pack(">HH", 0xFFED, len(segment) + 2) + segment + content[2:]
    (tmp_path / "a.jpg").write_bytes(content)
    lines = describe_picture(tmp_path / "a.jpg").splitlines()
    assert "IPTC caption: ein rotes Boot, früh" in lines
    assert "XMP dc:description: a <red> boat" in lines
    assert 'XMP xmp:CreatorTool: a "tool"' in lines
    assert "comment: a comment" in lines


def test_texts_of_exif_in_utf_8_and_utf_16(tmp_path):
    exif = Image.Exif()
    exif[ExifTags.Base.ImageDescription] = "früh".encode()
    exif[ExifTags.Base.XPComment] = "früh".encode("utf-16-le") + b"\0\0"
    PICTURE.save(tmp_path / "a.jpg", exif=exif)
    lines = describe_picture(tmp_path / "a.jpg").splitlines()
    assert "EXIF ImageDescription: früh" in lines
    assert "EXIF XPComment: früh" in lines


def test_a_photograph_without_texts_has_three_lines(tmp_path):
    PICTURE.save(tmp_path / "a.jpg")
    assert len(describe_picture(tmp_path / "a.jpg").splitlines()) == 3


def test_damaged_metadata_is_named_and_the_rest_is_read(tmp_path):
    content = png(parameters=A1111)
    damaged = chunk(b"zTXt", b"x\0\7abc")
    (tmp_path / "a.png").write_bytes(content[:33] + damaged[:-1] + b"\0" + content[33:])
    text = describe_picture(tmp_path / "a.png")
    assert "damaged, not read: zTXt" in text
    assert "seed: 42" in text
    (tmp_path / "b.jpg").write_bytes(with_exif("JPEG", wide(A1111, "be")).replace(b"Exif\0\0", b"Exif\0\0XX"))
    assert "(IPTC digital source type): no" in describe_picture(tmp_path / "b.jpg")
