"""The catalog: what each data set is, where its files are, what graphembed makes of them.

The catalog itself is data, in ``data/catalog.json``; this file only gives it types.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any


@dataclass(frozen=True)
class DataFile:
    """One file of a data set.

    Parameters
    ----------
    path : str
        Where it lies below a data folder; ``.gz`` where it is compressed.
    bytes : int
        Its size.
    sha256 : str
        Its checksum, as it lies there.
    content_sha256 : str, optional
        Checksum of the text inside a ``.gz``.
    source : mapping, optional
        Where the repository has the content: ``path`` of the same bytes, not compressed;
        ``archive``, ``sha256`` and ``member`` of a tar file; or ``folds``, a pattern of the names
        of files to join.
    """

    path: str
    bytes: int
    sha256: str
    content_sha256: str | None = None
    source: Mapping[str, str] | None = None

    @property
    def plain_path(self) -> str:
        """The path without ``.gz``: where a download is kept, since sources do not compress."""
        return self.path.removesuffix(".gz")

    @property
    def plain_sha256(self) -> str:
        """Checksum of the uncompressed content."""
        return self.content_sha256 or self.sha256


@dataclass(frozen=True)
class Entry:
    """What the catalog knows about one data set.

    Parameters
    ----------
    name, task, license, citation, note : str
        As in :class:`~graphembed.datasets.Dataset`.
    format : str
        Name of the reader, or ``"bundled"``.
    options : mapping
        Keyword parameters of the reader.
    files : mapping of str to DataFile
        The files, by the role they play for the reader.
    counts : mapping of str to int
        Counts of the graph as loaded; ``about`` in the catalog defines them.
    listed, differs : mapping, str
        Counts that the source or the publication gives differently, and why.
    repository, commit : str, optional
        GitHub repository and commit of the files.
    url : str, optional
        Page of the source.
    origin : str, optional
        Where the files come from if not from a repository.
    local_only : str, optional
        Why the set cannot be downloaded.
    """

    name: str
    task: str
    license: str
    citation: str
    note: str
    format: str
    options: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, DataFile] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    listed: Mapping[str, int] = field(default_factory=dict)
    differs: str = ""
    repository: str | None = None
    commit: str | None = None
    url: str | None = None
    origin: str | None = None
    local_only: str | None = None

    @property
    def page(self) -> str | None:
        """Address of the source for a reader."""
        if self.repository is None:
            return self.url
        return f"https://github.com/{self.repository}/tree/{self.commit}"


@cache
def entries() -> dict[str, Entry]:
    """Return the catalog, by name.

    Examples
    --------
    >>> from graphembed.datasets.catalog import entries
    >>> entries()["blogcatalog"].counts["nodes"]
    10312
    """
    text = files(__package__).joinpath("data/catalog.json").read_text(encoding="utf-8")
    catalog = json.loads(text)
    return {row["name"]: _entry(row, catalog["citations"]) for row in catalog["sets"]}


def _entry(row: dict[str, Any], citations: dict[str, str]) -> Entry:
    row["citation"] = " ".join(citations[key] for key in row["citation"])
    row["files"] = {role: DataFile(**file) for role, file in row["files"].items()}
    return Entry(**row)
