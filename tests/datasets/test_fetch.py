import gzip
import hashlib
import io
import json
import tarfile
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from graphembed.datasets import fetch
from graphembed.datasets.catalog import DataFile, Entry, entries
from graphembed.datasets.fetch import availability, read_files
from graphembed.exceptions import DatasetError, DatasetNotAvailableError

TEXT = b"0 1\n1 2\n"
COMPRESSED = gzip.compress(TEXT, mtime=0)


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def entry_of(file, **changes):
    row = {
        "name": "tiny",
        "task": "",
        "license": "",
        "citation": "",
        "note": "",
        "format": "edge_list",
        "repository": "owner/repository",
        "commit": "abc",
        "files": {"edges": file},
    }
    return Entry(**(row | changes))


def zipped_entry(**changes):
    file = DataFile(
        "tiny/edges.txt.gz",
        len(COMPRESSED),
        sha256(COMPRESSED),
        sha256(TEXT),
        {"path": "data/edges.txt"},
    )
    return entry_of(file, **changes)


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """No data folder, an empty cache, one try only (a retry waits)."""
    monkeypatch.delenv(fetch.DATA_VARIABLE, raising=False)
    monkeypatch.setattr(fetch, "cache_folder", lambda: tmp_path / "cache")
    monkeypatch.setattr(fetch, "_RETRIES", 0)
    return tmp_path / "cache"


@pytest.fixture
def server(tmp_path, monkeypatch):
    root = tmp_path / "server"
    (root / "owner/repository/abc/data").mkdir(parents=True)
    handler = partial(QuietHandler, directory=root)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        thread = threading.Thread(target=http.serve_forever, args=(0.01,))
        thread.start()
        monkeypatch.setattr(fetch, "_BASE_URL", f"http://127.0.0.1:{http.server_port}")
        yield root / "owner/repository/abc"
        http.shutdown()
        thread.join()


@pytest.fixture
def offline(monkeypatch):
    # Nothing listens on port 1 of this machine.
    monkeypatch.setattr(fetch, "_BASE_URL", "http://127.0.0.1:1")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "local/tiny").mkdir(parents=True)
    monkeypatch.setenv(fetch.DATA_VARIABLE, str(tmp_path / "local"))
    return tmp_path / "local"


def test_the_data_folder_comes_first_and_its_files_are_unpacked(folder, offline):
    (folder / "tiny/edges.txt.gz").write_bytes(COMPRESSED)
    assert availability(zipped_entry()) == "local"
    assert read_files(zipped_entry()) == {"edges": TEXT}


def test_a_changed_file_in_the_data_folder_is_named_with_both_checksums(folder):
    path = folder / "tiny/edges.txt.gz"
    path.write_bytes(b"something else")
    with pytest.raises(DatasetError) as caught:
        read_files(zipped_entry())
    for part in (str(path), sha256(COMPRESSED), sha256(b"something else")):
        assert part in str(caught.value)


def test_a_data_folder_that_does_not_exist_is_an_error(monkeypatch, tmp_path):
    monkeypatch.setenv(fetch.DATA_VARIABLE, str(tmp_path / "nowhere"))
    with pytest.raises(DatasetError, match=r"GRAPHEMBED_DATA is .*nowhere.*not a folder"):
        read_files(zipped_entry())


def test_a_download_is_kept_and_used_when_offline(server, cache, monkeypatch):
    (server / "data/edges.txt").write_bytes(TEXT)
    assert availability(zipped_entry()) == "download"
    assert read_files(zipped_entry()) == {"edges": TEXT}
    assert (cache / "tiny/edges.txt").read_bytes() == TEXT
    assert availability(zipped_entry()) == "cached"
    monkeypatch.setattr(fetch, "_BASE_URL", "http://127.0.0.1:1")
    assert read_files(zipped_entry()) == {"edges": TEXT}


def test_what_the_data_folder_lacks_is_downloaded(folder, server):
    (server / "data/edges.txt").write_bytes(TEXT)
    assert read_files(zipped_entry()) == {"edges": TEXT}


def test_a_damaged_file_in_the_cache_is_downloaded_again(server, cache):
    (server / "data/edges.txt").write_bytes(TEXT)
    (cache / "tiny").mkdir(parents=True)
    (cache / "tiny/edges.txt").write_bytes(TEXT[:3])
    assert read_files(zipped_entry()) == {"edges": TEXT}


def test_a_damaged_download_is_an_error_and_is_not_kept(server, cache):
    (server / "data/edges.txt").write_bytes(b"<html>")
    with pytest.raises(DatasetError, match=r"tiny arrived damaged.*edges\.txt") as caught:
        read_files(zipped_entry())
    assert sha256(TEXT) in str(caught.value)
    assert sha256(b"<html>") in str(caught.value)
    assert not isinstance(caught.value, DatasetNotAvailableError)
    assert list((cache / "tiny").iterdir()) == []


def test_a_file_that_the_source_lacks_is_not_available(server):
    with pytest.raises(DatasetNotAvailableError, match=r"404.*GRAPHEMBED_DATA"):
        read_files(zipped_entry())


def test_offline_one_line_says_what_to_do(offline, capsys):
    with pytest.raises(DatasetNotAvailableError) as caught:
        read_files(zipped_entry())
    assert str(caught.value) == (
        "tiny needs tiny/edges.txt.gz; it could not be downloaded (no connection to "
        "http://127.0.0.1:1). Set GRAPHEMBED_DATA to a folder that holds it, or go online once."
    )
    assert capsys.readouterr().err == ""


def test_offline_names_the_folder_that_was_looked_in(folder, offline):
    with pytest.raises(DatasetNotAvailableError, match=f"which is not in {folder};"):
        read_files(zipped_entry())


def test_a_local_only_set_says_why_it_cannot_be_downloaded(cache):
    entry = zipped_entry(local_only="its source is a pickle")
    assert availability(entry) == "local only"
    message = r"cannot be downloaded, since its source is a pickle; .* holds tiny/edges\.txt\.gz"
    with pytest.raises(DatasetNotAvailableError, match=message):
        read_files(entry)


def test_a_local_only_set_may_lie_in_the_cache(cache):
    entry = zipped_entry(local_only="its source is a pickle")
    (cache / "tiny").mkdir(parents=True)
    (cache / "tiny/edges.txt.gz").write_bytes(COMPRESSED)
    assert availability(entry) == "cached"
    assert read_files(entry) == {"edges": TEXT}


@pytest.fixture
def archive():
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        member = tarfile.TarInfo("edges.txt")
        member.size = len(TEXT)
        tar.addfile(member, io.BytesIO(TEXT))
    return buffer.getvalue()


def archived_entry(archive, member):
    source = {"archive": "all.tar.gz", "sha256": sha256(archive), "member": member}
    return entry_of(DataFile("tiny/edges.txt.gz", 1, "0" * 64, sha256(TEXT), source))


def test_a_member_of_an_archive_is_read_without_unpacking(server, cache, archive):
    (server / "all.tar.gz").write_bytes(archive)
    assert read_files(archived_entry(archive, "edges.txt")) == {"edges": TEXT}
    assert [path.name for path in (cache / "tiny").iterdir()] == ["all.tar.gz"]


def test_a_member_that_is_not_in_the_archive_is_an_error(server, archive):
    (server / "all.tar.gz").write_bytes(archive)
    with pytest.raises(DatasetError, match=r"all\.tar\.gz has no file 'other\.txt'"):
        read_files(archived_entry(archive, "other.txt"))


def folds_entry(server):
    folds = {}
    for fold in range(1, 11):
        for part in ("train", "test"):
            (server / f"data/{part}_idx-{fold}.txt").write_text(f"{fold}\n{2 * fold}\n")
            folds[f"{part}-{fold}"] = [fold, 2 * fold]
    content = json.dumps(folds, separators=(",", ":")).encode()
    source = {"folds": "data/{part}_idx-{fold}.txt"}
    return entry_of(DataFile("tiny/folds.json", len(content), sha256(content), None, source))


def test_folds_are_joined_checked_and_kept(server, cache, monkeypatch):
    entry = folds_entry(server)
    folds = json.loads(read_files(entry)["edges"])
    assert folds["test-10"] == [10, 20]
    assert availability(entry) == "cached"
    monkeypatch.setattr(fetch, "_BASE_URL", "http://127.0.0.1:1")
    assert json.loads(read_files(entry)["edges"]) == folds


def test_changed_folds_are_an_error_and_are_not_kept(server, cache):
    entry = folds_entry(server)
    (server / "data/test_idx-7.txt").write_text("1\n")
    with pytest.raises(DatasetError, match=r"folds\.json as downloaded is not the file"):
        read_files(entry)
    assert not (cache / "tiny/folds.json").exists()


def test_the_cache_is_where_pooch_keeps_caches(monkeypatch):
    import pooch

    monkeypatch.undo()
    assert fetch.cache_folder() == pooch.os_cache("graphembed")


def test_a_bundled_set_needs_no_file():
    assert availability(entries()["karate"]) == "bundled"
    assert read_files(entries()["karate"]) == {}
