import gzip
import lzma
import subprocess
import sys

import pyarrow.parquet as pq
import pytest

from graphembed.datasets import debian
from graphembed.exceptions import FileFormatError

SNIPPET = """\
Package: mutt
Version: 2.2
Architecture: amd64
Maintainer: Someone <someone@example.org>
Depends: libc6 (>= 2.36), perl:any | perl6 [amd64], mutt,
 mail-transport-agent
Pre-Depends: dpkg (>> 1.0) <!nocheck>
Suggests: gone | exim4
Conflicts: mutt-old (<< 1)
Description: text-based mail reader
 with a long description
Tag: works-with::mail, interface::TODO,
 role::program, works-with::mail
Section: non-free/mail

Package: exim4
Provides: mail-transport-agent (= 1.0), perl
Conflicts: mail-transport-agent
Section: mail
Description: mail server

Package: postfix
Provides: mail-transport-agent
Section: mail

Package: perl
Description: Larry's language

Package: libc6
Section: libs


Package: dpkg
Section: admin
"""


def _edges(table, relation):
    names = table["node"].to_pylist()
    lists = table[relation].to_pylist()
    return {
        (name, names[row]) for name, targets in zip(names, lists, strict=True) for row in targets
    }


@pytest.fixture
def snippet(tmp_path):
    path = tmp_path / "Packages"
    path.write_text(SNIPPET)
    return path


def _table(path, **options):
    return debian.build_table(debian.read_packages(path), **options)


def test_nodes_labels_and_features(snippet):
    table = _table(snippet, release="a test")
    assert table["node"].to_pylist() == ["dpkg", "exim4", "libc6", "mutt", "perl", "postfix"]
    assert table["label"].to_pylist() == ["admin", "mail", "libs", "mail", "unknown", "mail"]
    assert table["features"].to_pylist()[3] == ["role::program", "works-with::mail"]
    assert table["features"].to_pylist()[0] == []
    assert table["description"].to_pylist()[3] == "text-based mail reader"
    assert table.schema.metadata == {b"release": b"a test"}


def test_alternatives_virtual_packages_and_qualifiers(snippet):
    table = _table(snippet)
    # perl is a package, so exim4 providing it changes nothing; perl6 and mutt itself are dropped.
    assert _edges(table, "Depends") == {
        ("mutt", "libc6"), ("mutt", "perl"), ("mutt", "exim4"), ("mutt", "postfix"),
    }  # fmt: skip
    assert _edges(table, "Pre-Depends") == {("mutt", "dpkg")}
    assert _edges(table, "Suggests") == {("mutt", "exim4")}
    assert _edges(table, "Conflicts") == {("exim4", "postfix")}
    assert _edges(table, "Breaks") == set()


def test_the_last_entry_of_a_package_counts(tmp_path, snippet):
    update = tmp_path / "Packages.update"
    update.write_text("Package: mutt\nSection: text\n")
    entries = [entry for path in (snippet, update) for entry in debian.read_packages(path)]
    table = debian.build_table(entries)
    assert len(table) == 6
    assert table["label"].to_pylist()[3] == "text"
    assert _edges(table, "Depends") == set()


@pytest.mark.parametrize(("suffix", "compress"), [(".gz", gzip.compress), (".xz", lzma.compress)])
def test_compressed_files_are_the_same(tmp_path, snippet, suffix, compress):
    path = tmp_path / f"Packages{suffix}"
    path.write_bytes(compress(SNIPPET.encode()))
    assert _table(path).equals(_table(snippet))


def test_the_script_writes_the_same_bytes_twice(tmp_path, snippet):
    outputs = [tmp_path / "first.parquet", tmp_path / "second.parquet"]
    for seed, output in enumerate(outputs):
        run = subprocess.run(
            [sys.executable, "-m", "graphembed.datasets.debian", snippet, "-o", output],
            check=True, capture_output=True, text=True, env={"PYTHONHASHSEED": str(seed)},
        )  # fmt: skip
        assert "6 packages, 7 edges" in run.stdout
        assert not run.stderr
    assert outputs[0].read_bytes() == outputs[1].read_bytes()
    assert pq.read_table(outputs[0]).equals(_table(snippet))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Package: a\nno colon here\n", "line 2: expected 'Field: value'"),
        (" continuation of nothing\n", "line 1"),
        ("Version: 1\n\nPackage: a\n", "ends at line 2 has no 'Package'"),
    ],
)
def test_other_files_are_named_with_the_line(tmp_path, text, message):
    path = tmp_path / "Packages"
    path.write_text(text)
    with pytest.raises(FileFormatError, match=message):
        list(debian.read_packages(path))


def test_errors_of_the_script_are_one_line(tmp_path, capsys):
    assert debian.main([str(tmp_path / "none"), "-o", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    damaged = tmp_path / "Packages.xz"
    damaged.write_bytes(lzma.compress(SNIPPET.encode())[:-20])
    assert debian.main([str(damaged), "-o", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_an_index_without_packages_is_an_empty_table(tmp_path):
    path = tmp_path / "Packages"
    path.write_text("")
    debian.write_table(_table(path), tmp_path / "empty.parquet")
    assert len(pq.read_table(tmp_path / "empty.parquet")) == 0
