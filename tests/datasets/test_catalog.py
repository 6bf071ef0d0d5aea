import dataclasses
import re
from pathlib import PurePosixPath

import pytest

from graphembed.datasets.catalog import entries
from graphembed.datasets.loading import FORMATS

ENTRIES = entries()
COUNTS = {
    "nodes", "edges", "self_loops", "relations", "labels", "features", "graphs",
    "train", "valid", "test", "val_pairs", "test_pairs",
}  # fmt: skip
SHA256 = re.compile("[0-9a-f]{64}")
COMMIT = re.compile("[0-9a-f]{40}")


@pytest.mark.parametrize("name", ENTRIES)
def test_every_set_says_what_it_is(name):
    entry = ENTRIES[name]
    assert entry.name == name
    assert entry.format in {"bundled", *FORMATS}
    for text in (entry.task, entry.license, entry.citation, entry.note):
        assert text.strip() == text != ""
    assert {"nodes", "edges"} <= set(entry.counts) <= COUNTS
    assert all(count > 0 for key, count in entry.counts.items())


@pytest.mark.parametrize("name", ENTRIES)
def test_every_difference_from_the_listed_counts_is_explained(name):
    entry = ENTRIES[name]
    assert bool(entry.listed) == bool(entry.differs)
    assert all(entry.counts.get(key, 0) != count for key, count in entry.listed.items())
    assert all(key in entry.differs for key in entry.listed)


@pytest.mark.parametrize("name", ENTRIES)
def test_every_file_has_checksums_and_a_source_unless_local_only(name):
    entry = ENTRIES[name]
    assert bool(entry.files) == (entry.format != "bundled")
    for file in entry.files.values():
        path = PurePosixPath(file.path)
        assert path.parts[0] == name
        assert ".." not in path.parts
        assert file.bytes > 0
        assert SHA256.fullmatch(file.sha256)
        assert (path.suffix == ".gz") == (file.content_sha256 is not None)
        assert SHA256.fullmatch(file.plain_sha256)
        assert (file.source is None) == (entry.local_only is not None)


@pytest.mark.parametrize("name", ENTRIES)
def test_sources_are_pinned_to_a_commit(name):
    entry = ENTRIES[name]
    assert (entry.repository is None) == (entry.commit is None)
    if entry.repository is not None:
        assert re.fullmatch(r"[\w.-]+/[\w.-]+", entry.repository)
        assert COMMIT.fullmatch(entry.commit)
        assert entry.page.endswith(f"{entry.repository}/tree/{entry.commit}")
    else:
        assert entry.format == "bundled" or (entry.local_only and entry.origin)


def test_no_downloadable_file_is_a_pickle():
    sources = [
        file.source["path"]
        for entry in ENTRIES.values()
        for file in entry.files.values()
        if file.source and "path" in file.source
    ]
    assert not [path for path in sources if path.endswith((".p", ".pkl", ".pickle", ".graph"))]


def test_names_are_unique_and_files_shared_by_no_two_sets():
    paths = [file.path for entry in ENTRIES.values() for file in entry.files.values()]
    assert len(paths) == len(set(paths))
    assert len(ENTRIES) > 80


def test_an_entry_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        ENTRIES["cora"].name = "other"


def test_plain_paths_have_no_gz():
    file = ENTRIES["airports_usa"].files["edges"]
    assert file.path == file.plain_path + ".gz"
    assert file.plain_sha256 == file.content_sha256
