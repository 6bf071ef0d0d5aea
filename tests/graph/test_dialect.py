import pytest

from graphembed.exceptions import FileFormatError
from graphembed.graph.dialect import find_layout, is_number
from graphembed.graph.edge_columns import Wanted


def layout_of(tmp_path, text, suffix=".txt", wanted=None, header=None):
    path = tmp_path / f"edges{suffix}"
    path.write_text(text)
    return find_layout(path, suffix, wanted or Wanted(), header)


@pytest.mark.parametrize(
    ("suffix", "text", "delimiter", "runs"),
    [
        (".csv", "a,b\n", ",", False),
        (".csv", "a b,c d\n", ",", False),
        (".csv", "a;b\nc;d\n", ";", False),
        (".csv", "a\tb\n", "\t", False),
        (".tsv", "a,b\tc,d\n", "\t", False),
        (".txt", "1 2\n", " ", True),
        (".txt", "1\t2\n", "\t", True),
        (".txt", "1 2\t3\n4 5\t6\n", " ", True),
        (".txt", "# c\nnew york\tsan diego\n", "\t", False),
        (".txt", "a\t\tb\na\t\t\tc\n", "\t", True),
        (".txt", "a\tb\t\nc\td\te\n", "\t", False),
        (".edges", "1,2\n3,4\n", ",", False),
        ("", "1;2\n3;4\n", ";", False),
        (".edgelist", "1 2 {'weight': 1, 'kind': 'x'}\n", " ", True),
        (".txt", "1,2\n3,4,5\n6,7\n", ",", False),
    ],
)
def test_the_delimiter_is_found(tmp_path, suffix, text, delimiter, runs):
    dialect = layout_of(tmp_path, text, suffix).dialect
    assert (dialect.delimiter, dialect.runs) == (delimiter, runs)


@pytest.mark.parametrize(
    ("text", "header"),
    [
        ("1,2\n3,4\n", False),
        ("id_1,id_2\n3,4\n", True),
        ("person,friend,since\nann,bob,1999\n", True),
        ("ann,bob\ncid,dan\n", False),
        ("Source,Target\nann,bob\n", True),
        ("from,to,feature,time\n6,2,4,12.5\n", True),
        ("head,neck\nneck,shoulder\n", False),
        ("ann,7\n8,bob\n", False),
        ("ann,bob\ncid,8\ndan,eve\n", False),
        ("a,b\n", False),
    ],
)
def test_a_header_is_found(tmp_path, text, header):
    assert layout_of(tmp_path, text, ".csv").header is header


def test_the_header_is_what_the_user_says(tmp_path):
    text = "id_1,id_2\n3,4\n"
    assert layout_of(tmp_path, text, ".csv", header=False).header is False
    assert layout_of(tmp_path, "a,b\nc,d\n", ".csv", header=True).header is True
    assert layout_of(tmp_path, "a,b\nc,d\n", ".csv", Wanted(source="b", target="a")).header is True
    with pytest.raises(FileFormatError, match=r"no header, so no column 'id_1'.*header=True"):
        layout_of(tmp_path, text, ".csv", Wanted(source="id_1"), header=False)


@pytest.mark.parametrize(
    ("suffix", "text", "message"),
    [
        (".csv", "", "is empty"),
        (".txt", "# only\n% comments\n\n", "is empty"),
        (".csv", "\n \n", "is empty"),
        (".csv", "source,target\n", "header .* but no line of data"),
        (".csv", "1 2\n3 4\n", "one column only: its first line is '1 2'"),
        (".tsv", "1 2\n3 4\n", "read from .txt"),
        (".txt", "1\n2\n", "one column only"),
        (".npz", "PK\0\1", "binary data, not text"),
        (".csv", 'a,"' + "x" * 200_000, "quoted field is too long"),
    ],
)
def test_what_is_no_table_is_named(tmp_path, suffix, text, message):
    with pytest.raises(FileFormatError, match=f"edges{suffix} .*{message}"):
        layout_of(tmp_path, text, suffix)


def test_numbers_are_what_pyarrow_reads():
    good = ["1", "-1", "+1.5", ".5", "5.", "1e-3", " 7 "]
    bad = ["", "x", "1_0", "0x1", "nan", "inf", "1 2", "--1", "\u0661"]
    assert list(map(is_number, good + bad)) == [True] * len(good) + [False] * len(bad)
