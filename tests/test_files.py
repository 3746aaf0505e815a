"""files.py: files whole or not at all, checksums, names in print."""

from __future__ import annotations

import hashlib

import pytest

from synthviz import files


def test_a_file_appears_whole(tmp_path):
    path = files.write_text(tmp_path / "deep" / "note.txt", "héllo\n")
    assert path.read_text(encoding="utf-8") == "héllo\n"
    assert [file.name for file in path.parent.iterdir()] == ["note.txt"]


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path):
    path = files.write_text(tmp_path / "note.txt", "old")

    def half_written():
        with files.whole_file(path) as unfinished:
            unfinished.write_text("half")
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        half_written()
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["note.txt"]


def test_json_refuses_what_is_not_json(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        files.write_json(tmp_path / "bad.json", {"psnr": float("nan")})
    assert list(tmp_path.iterdir()) == []


def test_sha256(tmp_path):
    path = files.write_text(tmp_path / "a.txt", "abc")
    assert files.sha256(path) == hashlib.sha256(b"abc").hexdigest()


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a b.png", "a b.png"),
        ("\x1b[31mred\x1b[0m.png", r"\x1b[31mred\x1b[0m.png"),
        ("two\nlines\r.png", r"two\nlines\r.png"),
        ("half \udcff.png", r"half \udcff.png"),
        ("gnp.\u202efdp", r"gnp.\u202efdp"),  # shown from right to left otherwise
        ("Böötchen 🚤.png", "Böötchen 🚤.png"),
    ],
)
def test_a_name_is_one_line_that_steers_no_terminal(tmp_path, name, shown):
    assert files.printable_name(tmp_path / name) == shown
