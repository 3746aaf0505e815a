"""Tables of runs, as spreadsheets save them."""

from __future__ import annotations

import pytest

from synthviz.runs.errors import RunError
from synthviz.runs.sweeps.table import read_table


@pytest.fixture
def read(tmp_path):
    def read(content: str | bytes, encoding: str = "utf-8") -> list[dict[str, str]]:
        path = tmp_path / "class.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return read_table(path)

    return read


BOAT = [{"prompt": "a boat, at dusk", "seed": "1"}]


@pytest.mark.parametrize(
    "content",
    [
        'prompt,seed\n"a boat, at dusk",1\n',
        'prompt,seed\r\n"a boat, at dusk",1\r\n',
        'prompt,seed\r"a boat, at dusk",1\r',
        'prompt,seed\n"a boat, at dusk",1',
        'prompt;seed\n"a boat, at dusk";1\n',
        "prompt;seed\na boat, at dusk;1\n",
        "prompt\tseed\na boat, at dusk\t1\n",
        "sep=;\r\nprompt;seed\r\na boat, at dusk;1\r\n",
        'prompt,seed\n"a boat, at dusk",1\n,\n,\n',  # Excel's blank rows
        'prompt,seed\n,\n"a boat, at dusk",1\n\n',
        '\n\nprompt,seed\n"a boat, at dusk",1\n , \n',
        'prompt,seed,,\n"a boat, at dusk",1,,\n,,,\n',  # and its blank columns
        'prompt,seed\n"a boat, at dusk",1,,\n',
        " prompt ; seed \n a boat, at dusk ; 1 \n",
        'prompt, seed\n "a boat, at dusk", 1 \n',
        'prompt,seed\n"a boat, at dusk", 1\u00a0\n',
    ],
)
def test_a_row_is_a_run_however_the_table_was_saved(read, content):
    assert read(content) == BOAT


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_every_unicode_encoding_with_a_mark_is_read(read, encoding):
    assert read("prompt\nü\n", encoding) == [{"prompt": "ü"}]


def test_an_empty_field_is_left_out(read):
    assert read("prompt,seed\na,\n,2\n") == [{"prompt": "a"}, {"seed": "2"}]


def test_a_field_may_have_several_lines(read):
    assert read('prompt,seed\n"a\nb",1\n') == [{"prompt": "a\nb", "seed": "1"}]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "is empty"),
        (",,\n\n", "is empty"),
        ("seed,prompt\n1\n", "line 2 has 1 fields; the first line has 2"),
        ("seed\n1,2\n", "line 2 has '2' in column 2"),
        ("seed,,prompt\n1,2,a\n", "line 2 has '2' in column 2"),
        ("seed,prompt,seed\n1,a,2\n", "seed twice"),
        ("prompt,seed\n#N/A,1\n", "line 2: prompt is '#N/A'"),
        ("prompt,seed\na,1\nb,#ref!\n", "line 3: seed is '#ref!'"),
        ('prompt\n"a\n', "not a table"),
        ("prompt\nü\n".encode("cp1252"), "not UTF-8"),
        ("prompt\nü\n".encode("utf-16-le"), "not UTF-8"),
    ],
)
def test_a_table_that_cannot_be_meant_is_refused(read, content, words):
    with pytest.raises(RunError, match=words):
        read(content)


def test_a_missing_table_is_named(tmp_path):
    with pytest.raises(RunError, match=r"none\.csv"):
        read_table(tmp_path / "none.csv")
