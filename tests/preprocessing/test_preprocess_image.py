"""`preprocess_image`: against torchvision, against arithmetic, and with files and parameters that are wrong."""

import io
import json

import numpy as np
import pytest
import torch
from PIL import ExifTags, Image
from torchvision.transforms import v2

from synthviz.preprocessing.image import preprocess_image
from synthviz.preprocessing.image_files import PreprocessingError
from synthviz.preprocessing.loaded_image import test_pattern as pattern
from synthviz.preprocessing.steps import LUMA
from synthviz.scenes import Scene, paint


@pytest.fixture(scope="module")
def painting():
    """An RGB picture, 300 wide and 200 high, with soft and hard edges."""
    scene = Scene("city", "sunset", "clouds", "sun", "left", seed=3)
    return Image.fromarray(paint(scene, 300).image[60:260])


@pytest.fixture
def save(tmp_path):
    """Save a picture into the test's folder; returns its path."""

    def save(picture, name="picture.png", **options):
        picture.save(tmp_path / name, **options)
        return tmp_path / name

    return save


def pixel(loaded):
    """Return the value in the middle of the tensor, scaled to 0 to 255."""
    return loaded.tensor[0, 0, 112, 112].item() * 255


# What comes out


def test_tensor_has_the_shape_type_and_range_of_the_networks_input(painting, save):
    tensor = preprocess_image(save(painting)).tensor
    assert tensor.shape == (1, 1, 224, 224)
    assert tensor.dtype == torch.float32
    assert tensor.is_contiguous()
    assert tensor.min() >= 0
    assert tensor.max() <= 1
    assert tensor.std() > 0.05


def test_black_is_exactly_0_and_white_exactly_1(save):
    assert preprocess_image(save(Image.new("RGB", (9, 9)))).tensor.eq(0).all()
    assert preprocess_image(save(Image.new("RGB", (9, 9), "white"))).tensor.eq(1).all()


def test_top_stays_top_and_left_stays_left(save):
    corner = np.zeros((64, 64), np.uint8)
    corner[:16, 48:] = 255
    tensor = preprocess_image(save(Image.fromarray(corner))).tensor[0, 0]
    assert tensor[:40, -40:].min() == 1
    assert tensor[-112:].max() == 0
    assert tensor[:, :112].max() == 0


@pytest.mark.parametrize("size", [2, 32, 300])
def test_size(painting, save, size):
    assert preprocess_image(save(painting), size=size).tensor.shape == (1, 1, size, size)
    assert preprocess_image("nowhere.png", size=size).tensor.shape == (1, 1, size, size)


def test_the_same_file_gives_the_same_bits_and_stays_as_it_was(painting, save):
    path = save(painting)
    before = path.read_bytes()
    first, second = preprocess_image(path), preprocess_image(str(path))
    assert torch.equal(first.tensor, second.tensor)
    assert first.record == second.record
    assert path.read_bytes() == before


# Agreement with torchvision


@pytest.mark.parametrize("name", ["bilinear", "bicubic", "nearest", "lanczos"])
def test_agrees_with_torchvision_bit_for_bit(painting, save, name):
    transform = v2.Compose(
        [
            v2.Grayscale(),
            v2.Resize((224, 224), interpolation=v2.InterpolationMode(name), antialias=True),
            v2.ToImage(),
            v2.ToDtype(torch.float32, scale=True),
        ]
    )
    loaded = preprocess_image(save(painting), interpolation=name)
    torch.testing.assert_close(loaded.tensor, transform(painting)[None].as_subclass(torch.Tensor), rtol=0, atol=0)


def test_agrees_with_torchvision_on_tensors_up_to_rounding(painting, save):
    """On tensors the grey is truncated instead of rounded, or nothing is rounded."""
    loaded = preprocess_image(save(painting))
    steps = [v2.Grayscale(), v2.Resize((224, 224), antialias=True)]
    scale = v2.ToDtype(torch.float32, scale=True)
    for transform in (v2.Compose([v2.ToImage(), *steps, scale]), v2.Compose([v2.ToImage(), scale, *steps])):
        assert (loaded.tensor - transform(painting)).abs().max() <= 2.01 / 255


def test_centre_crop_agrees_with_torchvision(painting, save):
    odd = painting.crop((0, 0, 299, 200))
    transform = v2.Compose(
        [v2.Grayscale(), v2.CenterCrop(200), v2.Resize(224), v2.ToImage(), v2.ToDtype(torch.float32, scale=True)]
    )
    loaded = preprocess_image(save(odd), fit="crop")
    assert torch.equal(loaded.tensor[0], transform(odd).as_subclass(torch.Tensor))


def test_shrinking_is_antialiased(save):
    stripes = np.zeros((896, 896), np.uint8)
    stripes[:, ::2] = 255
    path = save(Image.fromarray(stripes))
    assert (preprocess_image(path).tensor[..., 2:-2] - 0.5).abs().max() < 0.03
    assert set(preprocess_image(path, interpolation="nearest").tensor.unique().tolist()) <= {0.0, 1.0}


# Fit


def test_pad_keeps_the_proportions_and_shows_the_background(painting, save):
    loaded = preprocess_image(save(painting), fit="pad", background=(255, 0, 0))
    values = loaded.tensor[0, 0] * 255
    red = round(0.299 * 255)
    assert values[:37].eq(red).all()
    assert values[-37:].eq(red).all()
    inside = np.asarray(painting.convert("L").resize((224, 149), Image.Resampling.BILINEAR))
    np.testing.assert_allclose(values[37:186].numpy(), inside, atol=1e-4)


def test_pad_of_a_very_long_picture_keeps_a_row(save):
    loaded = preprocess_image(save(Image.new("L", (5000, 2), 255)), fit="pad", background=(0, 0, 0))
    assert loaded.tensor.sum(dim=(-1, -2)) == 224


def test_the_old_name_of_pad_still_works_with_a_note(painting, save):
    old, new = (preprocess_image(save(painting), fit=fit) for fit in ("fit", "pad"))
    assert torch.equal(old.tensor, new.tensor)
    assert old.record["fit"] == "pad"
    (note,) = old.warnings
    assert "pad" in note
    assert old.record["warnings"] == [note]
    assert new.warnings == ()
    assert preprocess_image("nowhere.png", fit="fit").warnings == (note,)


def test_stretch_uses_all_of_the_picture(save):
    halves = Image.new("L", (400, 100))
    halves.paste(255, (200, 0, 400, 100))
    tensor = preprocess_image(save(halves)).tensor[0, 0]
    assert tensor[:, :110].eq(0).all()
    assert tensor[:, 114:].eq(1).all()


# Grey


def test_grey_weights_are_the_shares_of_the_channels(save):
    path = save(Image.new("RGB", (8, 8), (200, 100, 40)))
    assert pixel(preprocess_image(path)) == pytest.approx(round(0.299 * 200 + 0.587 * 100 + 0.114 * 40), abs=1e-4)
    assert pixel(preprocess_image(path, grey_weights=(0, 0, 1))) == pytest.approx(40, abs=1e-4)
    assert pixel(preprocess_image(path, grey_weights=(1 / 3, 1 / 3, 1 / 3))) == pytest.approx(113, abs=1e-4)


def test_default_grey_is_pillows_for_every_kind_of_colour(save):
    colours = np.random.default_rng(0).integers(0, 256, (224, 224, 3), dtype=np.uint8)
    picture = Image.fromarray(colours)
    grey = preprocess_image(save(picture)).tensor[0, 0].mul(255).round().numpy()
    np.testing.assert_array_equal(grey, np.asarray(picture.convert("L")))
    # Other weights use other code; nearly equal weights must give the same bytes there.
    nearly = (0.299, 0.587, 0.114 + 1e-9)
    other = preprocess_image(save(picture), grey_weights=nearly).tensor[0, 0].mul(255).round().numpy()
    np.testing.assert_array_equal(other, grey)


# Modes of files


@pytest.mark.parametrize(
    ("mode", "white", "suffix"),
    [
        ("1", 255, ".png"),
        ("L", 255, ".png"),
        ("LA", (255, 255), ".png"),
        ("RGB", (255, 255, 255), ".png"),
        ("RGBA", (255, 255, 255, 255), ".png"),
        ("CMYK", (0, 0, 0, 0), ".tiff"),
        ("YCbCr", (255, 128, 128), ".tiff"),
        ("LAB", (255, 128, 128), ".tiff"),
    ],
)
def test_white_is_white_in_every_mode(save, mode, white, suffix):
    picture = Image.new(mode, (64, 64), white)
    loaded = preprocess_image(save(picture, "picture" + suffix))
    assert loaded.fallback_reason is None
    assert loaded.record["original"]["mode"] == mode
    assert pixel(loaded) == pytest.approx(255, abs=1)


def test_palette_colours_are_looked_up(save):
    palette = Image.new("P", (8, 8), 1)
    palette.putpalette([0, 0, 0, 0, 0, 255])
    assert pixel(preprocess_image(save(palette))) == pytest.approx(round(0.114 * 255), abs=1e-4)


def test_cmyk_photograph(painting, save):
    loaded = preprocess_image(save(painting.convert("CMYK"), "print.jpg", quality=95))
    straight = preprocess_image(save(painting, "screen.jpg", quality=95))
    assert loaded.record["original"] == {"width": 300, "height": 200, "mode": "CMYK", "format": "JPEG"}
    assert (loaded.tensor - straight.tensor).abs().mean() < 0.02


# Orientation and transparency


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(painting, save, orientation):
    """A picture stored as a camera with this orientation stores it gives the same tensor as the upright one."""
    turn_away = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = painting.transpose(turn_away[orientation]) if orientation > 1 else painting
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    loaded = preprocess_image(save(stored, exif=exif))
    upright = preprocess_image(save(painting, "upright.png"))
    assert torch.equal(loaded.tensor, upright.tensor)
    assert any(f"orientation {orientation}" in warning for warning in loaded.warnings) == (orientation > 1)


def test_transparent_red_shows_the_background_not_red(save):
    path = save(Image.new("RGBA", (8, 8), (255, 0, 0, 0)))
    loaded = preprocess_image(path)
    assert loaded.tensor.eq(1).all()
    assert "transparent" in loaded.warnings[0]
    assert preprocess_image(path, background=(0, 0, 0)).tensor.eq(0).all()


def test_half_transparent_is_half_background(save):
    loaded = preprocess_image(save(Image.new("LA", (8, 8), (0, 128))))
    assert pixel(loaded) == pytest.approx(127, abs=1)


@pytest.mark.parametrize("suffix", [".png", ".gif"])
def test_transparent_palette_entry_shows_the_background(save, suffix):
    palette = Image.new("P", (8, 8), 1)
    palette.putpalette([0, 0, 0, 255, 0, 0])
    loaded = preprocess_image(save(palette, "palette" + suffix, transparency=1))
    assert loaded.tensor.eq(1).all()


def test_opaque_alpha_changes_nothing_and_gives_no_warning(painting, save):
    loaded = preprocess_image(save(painting.convert("RGBA"), "alpha.png"))
    assert torch.equal(loaded.tensor, preprocess_image(save(painting)).tensor)
    assert loaded.warnings == ()


def test_first_frame_of_an_animation(save):
    first, second = Image.new("L", (8, 8), 0), Image.new("L", (8, 8), 255)
    loaded = preprocess_image(save(first, "moving.gif", save_all=True, append_images=[second, first]))
    assert loaded.tensor.eq(0).all()
    assert "3 frames" in loaded.warnings[0]


# Blank pictures


def test_blank_picture_gives_a_warning(save):
    loaded = preprocess_image(save(Image.new("RGB", (50, 50), "white")))
    assert loaded.fallback_reason is None
    (warning,) = loaded.warnings
    assert "blank" in warning
    assert loaded.record["warnings"] == [warning]


def test_nearly_uniform_picture_gives_a_warning(save):
    faint = np.full((50, 50), 100, np.uint8)
    faint[10:40, 10:40] = 102
    (warning,) = preprocess_image(save(Image.fromarray(faint))).warnings
    assert "nearly uniform" in warning
    faint[10:40, 10:40] = 110
    assert preprocess_image(save(Image.fromarray(faint))).warnings == ()


# Files that cannot be used


def damaged(kind, folder, painting):
    path = folder / f"{kind}.png"
    data = io.BytesIO()
    painting.save(data, "JPEG" if kind == "cut jpeg" else "PNG")
    if kind == "folder":
        path.mkdir()
    elif kind != "missing":
        whole = bytearray(data.getvalue())
        if kind == "bits":
            whole[len(whole) // 2] ^= 255
        elif kind == "checksum":
            whole[-13] ^= 255  # last byte of the pixels' checksum; the end chunk is 12 bytes long
        contents = {"empty": b"", "text": b"not a picture", "bits": whole, "checksum": whole}
        path.write_bytes(contents.get(kind, whole[: len(whole) // 2]))
    return path


REASONS = {
    "missing": "there is no such file",
    "folder": "it is a folder, not a file",
    "empty": "the file is empty",
    "text": "it is not a picture",
    "cut png": "it cannot be decoded",
    "cut jpeg": "it cannot be decoded",
    "bits": "it cannot be decoded",
    "checksum": "it cannot be decoded",
}


@pytest.mark.parametrize("kind", REASONS)
def test_unusable_file_gives_the_test_pattern_and_is_logged(tmp_path, painting, caplog, capsys, kind):
    loaded = preprocess_image(damaged(kind, tmp_path, painting))
    assert torch.equal(loaded.tensor, pattern())
    assert loaded.fallback_reason.startswith(REASONS[kind])
    assert loaded.record["fallback_reason"] == loaded.fallback_reason
    assert loaded.stages == ()
    assert caplog.messages == [f"Using the test pattern instead of {kind}.png: {loaded.fallback_reason}"]
    assert caplog.records[0].name.startswith("synthviz.")
    assert "".join(capsys.readouterr()) == ""


@pytest.mark.parametrize("kind", REASONS)
def test_strict_raises_instead(tmp_path, painting, caplog, kind):
    path = damaged(kind, tmp_path, painting)
    with pytest.raises(PreprocessingError, match=rf"^{kind}\.png: {REASONS[kind]}") as caught:
        preprocess_image(path, strict=True)
    assert str(tmp_path) not in str(caught.value)
    assert (caught.value.__cause__ is None) == (REASONS[kind].startswith(("there", "it is a folder", "the file")))
    assert caplog.messages == []


@pytest.mark.parametrize(
    ("raised", "reason"),
    [
        (lambda path: PermissionError(13, "Permission denied", str(path)), "it cannot be decoded (Permission denied)"),
        (lambda path: ValueError(f"no decoder for {path}"), "it cannot be decoded (no decoder for picture.png)"),
        (lambda path: MemoryError(), "it cannot be decoded (MemoryError)"),
    ],
)
def test_reasons_name_no_folder(painting, save, monkeypatch, raised, reason):
    path = save(painting)

    def fail(file, formats):
        raise raised(path)

    monkeypatch.setattr(Image, "open", fail)
    assert preprocess_image(path).fallback_reason == reason


def test_postscript_is_not_handed_to_ghostscript(painting, save, monkeypatch):
    from PIL import EpsImagePlugin

    path = save(painting).with_suffix(".eps")
    painting.save(path)
    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", lambda *_, **__: pytest.fail("Ghostscript was called"))
    assert preprocess_image(path).fallback_reason.startswith("it is not a picture")


def test_missing_file_suggests_a_similar_name(painting, save):
    path = save(painting, "sunset.png")
    assert preprocess_image(path.with_name("sunest.png")).fallback_reason.endswith("did you mean 'sunset.png'?")


def test_too_many_pixels_are_refused_before_decoding(painting, save):
    path = save(painting)
    assert preprocess_image(path, max_pixels=60_000).fallback_reason is None
    assert "300×200 pixels" in preprocess_image(path, max_pixels=59_999).fallback_reason


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("side", [8001, 10_000, 20_000])
def test_huge_picture_is_refused_by_default(tmp_path, side):
    """Sizes around those that Pillow warns about and refuses. The file has only a header, so it cannot be decoded."""
    header = f"P5 {side} {side} 255\n".encode()
    (tmp_path / "huge.pgm").write_bytes(header + b"\0" * 100)
    limit = Image.MAX_IMAGE_PIXELS
    reason = preprocess_image(tmp_path / "huge.pgm").fallback_reason
    assert "64 million" in reason or "exceeds limit" in reason
    assert limit == Image.MAX_IMAGE_PIXELS


@pytest.mark.filterwarnings("error")
def test_pillows_warnings_are_collected(painting, save):
    path = save(painting, "exif.jpg", exif=b"Exif\0\0II*\0\x08\0\0\0\x05\0garbage")
    loaded = preprocess_image(path)
    assert loaded.fallback_reason is None
    (warning,) = loaded.warnings
    assert "Pillow" in warning
    assert "EXIF" in warning


# Fast


@pytest.mark.parametrize("weights", [LUMA, (1, 0, 0)])
@pytest.mark.parametrize("fit", ["stretch", "pad", "crop"])
def test_fast_is_nearly_the_same_from_a_quarter_of_the_pixels(painting, save, fit, weights):
    exif = Image.Exif()
    exif[0x0112] = 6
    path = save(painting.resize((1200, 960)), "large.jpg", exif=exif, quality=92)
    exact = preprocess_image(path, fit=fit, grey_weights=weights)
    fast = preprocess_image(path, fit=fit, grey_weights=weights, fast=True)
    assert (fast.tensor - exact.tensor).abs().mean() <= 1 / 255
    assert fast.stages[0].picture.size == (300, 240)
    assert fast.stages[0].step == f"opened: 1200×960 RGB, JPEG, decoded as 300×240 {'L' if weights == LUMA else 'RGB'}"
    assert fast.record["original"] == exact.record["original"]
    assert fast.record["fast"]
    assert len(fast.warnings) == 1  # turned upright


def test_fast_changes_nothing_of_other_formats(painting, save):
    path = save(painting)
    assert torch.equal(preprocess_image(path, fast=True).tensor, preprocess_image(path).tensor)


def test_fast_and_nearest_exclude_each_other(painting, save):
    with pytest.raises(ValueError, match=r"fast .*nearest"):
        preprocess_image(save(painting), fast=True, interpolation="nearest")


# Wrong calls


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"fit": "strech"}, "fit is 'strech'.*stretch, pad, crop.*did you mean 'stretch'"),
        ({"fit": "contain"}, "fit is 'contain'"),
        ({"interpolation": "bilinaer"}, "interpolation is 'bilinaer'.*did you mean 'bilinear'"),
        ({"size": 1}, "size is 1; .* 2 to 4096"),
        ({"size": 5000}, "size is 5000"),
        ({"size": 224.0}, r"size is 224\.0"),
        ({"size": True}, "size is True"),
        ({"grey_weights": (0.5, 0.5)}, r"grey_weights is \(0\.5, 0\.5\)"),
        ({"grey_weights": (1, 1, 1)}, r"grey_weights is \(1, 1, 1\); .*sum to 1"),
        ({"grey_weights": (2, -1, 0)}, r"grey_weights is \(2, -1, 0\); .*none negative"),
        ({"grey_weights": (float("nan"), 0, 1)}, "grey_weights is"),
        ({"grey_weights": np.array(1.0)}, "grey_weights is"),
        ({"background": (0, 0, 256)}, r"background is \(0, 0, 256\); .* 0 to 255"),
        ({"background": (0, 0)}, "background is"),
        ({"background": "white"}, "background is 'white'"),
        ({"max_pixels": 0}, "max_pixels is 0"),
    ],
)
def test_bad_parameters_raise_before_the_file_is_touched(wrong, message, strict):
    with pytest.raises(ValueError, match=message) as caught:
        preprocess_image("nowhere.png", strict=strict, **wrong)
    assert not isinstance(caught.value, PreprocessingError)


@pytest.mark.parametrize("path", ["", " "])
def test_an_empty_path_raises(path):
    with pytest.raises(ValueError, match="path is"):
        preprocess_image(path)


# Record and stages


def test_record_is_json_and_names_no_folder(painting, save, tmp_path):
    loaded = preprocess_image(save(painting, "sunset.png"), fit="crop")
    text = json.dumps(loaded.record, allow_nan=False)
    assert str(tmp_path) not in text
    assert json.loads(text) == {
        "file": "sunset.png",
        "original": {"width": 300, "height": 200, "mode": "RGB", "format": "PNG"},
        "size": 224,
        "fit": "crop",
        "interpolation": "bilinear",
        "grey_weights": list(LUMA),
        "background": [255, 255, 255],
        "color_managed": False,
        "fast": False,
        "steps": [
            "opened: 300×200 RGB, PNG",
            "already upright and opaque",
            "grey = 0.299 R + 0.587 G + 0.114 B",
            "cropped to its central square and resized to 224×224, bilinear, antialiased",
        ],
        "warnings": [],
        "fallback_reason": None,
    }


def test_numbers_from_numpy_are_recorded_as_plain_numbers(painting, save):
    loaded = preprocess_image(
        save(painting), size=np.int64(8), background=np.zeros(3, np.uint8), grey_weights=np.eye(3)[0]
    )
    assert json.loads(json.dumps(loaded.record))["size"] == 8


def test_stages_lead_from_the_file_to_the_tensor(painting, save):
    loaded = preprocess_image(save(painting.convert("RGBA")))
    assert [(stage.name, stage.picture.mode, stage.picture.size) for stage in loaded.stages] == [
        ("opened", "RGBA", (300, 200)),
        ("upright and opaque", "RGB", (300, 200)),
        ("grey", "L", (300, 200)),
        ("224×224", "L", (224, 224)),
    ]
    np.testing.assert_array_equal(np.asarray(loaded.stages[-1].picture), loaded.tensor[0, 0].mul(255).round().numpy())


def test_test_pattern_runs_from_black_at_the_top_to_white_at_the_bottom():
    small = pattern(5)
    assert small.dtype == torch.float32
    assert small.tolist() == [[[[value] * 5 for value in (0.0, 0.25, 0.5, 0.75, 1.0)]]]
    assert pattern().shape == (1, 1, 224, 224)
