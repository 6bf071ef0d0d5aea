"""Where the files of a data set come from: a local folder, the cache, the public source.

Whatever the way, a file is used only if its sha256 is the one in the catalog.
"""

import gzip
import hashlib
import json
import os
import sys
import tarfile
import tempfile
from pathlib import Path

from graphembed.datasets.catalog import DataFile, Entry
from graphembed.exceptions import DatasetError, DatasetNotAvailableError

DATA_VARIABLE = "GRAPHEMBED_DATA"

_BASE_URL = "https://raw.githubusercontent.com"
_RETRIES = 2
_TIMEOUT = 30  # seconds without an answer
_N_FOLDS = 10


def data_folder() -> Path | None:
    """Return the folder that the environment variable ``GRAPHEMBED_DATA`` names, if it is set.

    Raises
    ------
    DatasetError
        If there is no such folder.
    """
    value = os.environ.get(DATA_VARIABLE)
    if not value:
        return None
    folder = Path(value).expanduser()
    if not folder.is_dir():
        raise DatasetError(f"{DATA_VARIABLE} is {value!r}, which is not a folder.")
    return folder


def cache_folder() -> Path:
    """Return the folder where downloads are kept."""
    import pooch

    return Path(pooch.os_cache("graphembed"))


def availability(entry: Entry) -> str:
    """Say where the files of a set would come from; looks at file names only.

    Returns
    -------
    str
        ``"bundled"``, ``"local"``, ``"cached"``, ``"download"`` or ``"local only"`` (not here,
        and not downloadable).
    """
    if entry.format == "bundled":
        return "bundled"
    folder = data_folder()
    if folder is not None and all((folder / file.path).is_file() for file in entry.files.values()):
        return "local"
    cache = cache_folder()
    if all((cache / _cached_path(entry, file)).is_file() for file in entry.files.values()):
        return "cached"
    return "local only" if entry.local_only else "download"


def read_files(entry: Entry) -> dict[str, bytes]:
    """Return the content of each file of a set, uncompressed.

    Parameters
    ----------
    entry : Entry
        Its row of the catalog.

    Returns
    -------
    dict of str to bytes
        Content by the role that the file plays.

    Raises
    ------
    DatasetNotAvailableError
        If a file is nowhere to be had.
    DatasetError
        If a file is not the one that the catalog describes.
    """
    return {role: _read(entry, file) for role, file in entry.files.items()}


def _read(entry: Entry, file: DataFile) -> bytes:
    folder = data_folder()
    if folder is not None and (folder / file.path).is_file():
        return _read_local(folder / file.path, file)
    if entry.local_only:
        cached = cache_folder() / file.path
        if cached.is_file():
            return _read_local(cached, file)
        raise DatasetNotAvailableError(
            f"{entry.name} cannot be downloaded, since {entry.local_only}; set {DATA_VARIABLE} to "
            f"a folder that holds {file.path}{_looked_in(folder)}."
        )
    try:
        content = _download(entry, file)
    except OSError as error:  # requests' errors, and a cache that cannot be written
        raise DatasetNotAvailableError(
            f"{entry.name} needs {file.path}{_looked_in(folder)}; it could not be downloaded "
            f"({_reason(error)}). Set {DATA_VARIABLE} to a folder that holds it, or go online once."
        ) from error
    return _checked(content, file.plain_sha256, f"{file.plain_path} as downloaded")


def _reason(error: OSError) -> str:
    import requests

    if isinstance(error, requests.ConnectionError | requests.Timeout):
        return f"no connection to {_BASE_URL}"  # the error itself is half a page long
    return str(error)


def _looked_in(folder: Path | None) -> str:
    return "" if folder is None else f", which is not in {folder}"


def _read_local(path: Path, file: DataFile) -> bytes:
    content = _checked(path.read_bytes(), file.sha256, str(path))
    return gzip.decompress(content) if path.suffix == ".gz" else content


def _checked(content: bytes, expected: str, name: str) -> bytes:
    found = hashlib.sha256(content).hexdigest()
    if found != expected:
        raise DatasetError(
            f"{name} is not the file of the catalog: expected sha256 {expected}, found {found}. "
            "Delete it and get it again."
        )
    return content


def _cached_path(entry: Entry, file: DataFile) -> str:
    """Path in the cache: sources are not compressed, archives are kept whole."""
    if entry.local_only or file.source is None:
        return file.path
    if "archive" in file.source:
        return f"{entry.name}/{file.source['archive']}"
    return file.plain_path


def _download(entry: Entry, file: DataFile) -> bytes:
    """Return the uncompressed content from the cache or from the source."""
    source = file.source or {}
    path = _cached_path(entry, file)
    if "folds" in source:
        return _download_folds(entry, source["folds"], cache_folder() / path, file.sha256)
    if "archive" in source:
        archive = _retrieve(entry, source["archive"], source["sha256"], cache_folder() / path)
        return _member(archive, source["member"])
    return _retrieve(entry, source["path"], file.plain_sha256, cache_folder() / path).read_bytes()


def _retrieve(entry: Entry, source_path: str, sha256: str | None, target: Path) -> Path:
    """Download one file of the repository unless ``target`` already is that file."""
    import pooch

    fetcher = pooch.create(
        path=target.parent,
        base_url="",
        registry={target.name: sha256 and f"sha256:{sha256}"},
        urls={target.name: f"{_BASE_URL}/{entry.repository}/{entry.commit}/{source_path}"},
        retry_if_failed=_RETRIES,
    )
    downloader = pooch.HTTPDownloader(progressbar=sys.stderr.isatty(), timeout=_TIMEOUT)
    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel("ERROR")  # the progress bar and one clear error say enough
    try:
        return Path(fetcher.fetch(target.name, downloader=downloader))
    except OSError:  # of requests; some are also a ValueError
        raise
    except ValueError as error:  # pooch's message names the file and both checksums
        raise DatasetError(f"A file of {entry.name} arrived damaged: {error}") from error
    finally:
        logger.setLevel(level)


def _member(archive: Path, name: str) -> bytes:
    # Read in memory: nothing of an archive is ever written by the names inside it.
    with tarfile.open(archive) as tar:
        file = tar.extractfile(name) if name in tar.getnames() else None
        if file is None:
            raise DatasetError(f"{archive} has no file {name!r}.")
        return file.read()


def _download_folds(entry: Entry, pattern: str, target: Path, sha256: str) -> bytes:
    """Join the index files of ten folds into the JSON file that the catalog describes."""
    if target.is_file() and hashlib.sha256(target.read_bytes()).hexdigest() == sha256:
        return target.read_bytes()
    folds = {}
    with tempfile.TemporaryDirectory() as folder:
        for fold in range(1, _N_FOLDS + 1):
            for part in ("train", "test"):
                key = f"{part}-{fold}"
                path = _retrieve(
                    entry, pattern.format(part=part, fold=fold), None, Path(folder) / key
                )
                folds[key] = [int(line) for line in path.read_text().split()]
    content = json.dumps(folds, separators=(",", ":")).encode()
    _checked(content, sha256, f"{target.name} as downloaded")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as temporary:
        temporary.write(content)
    Path(temporary.name).replace(target)
    return content
