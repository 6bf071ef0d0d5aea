"""Files that the commands read and write, recognised by their names."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from graphembed.graph.graph import Graph
    from graphembed.vectors import Vectors

VECTOR_SUFFIXES = (".parquet", ".npy", ".txt")


def read_graph(
    path: Path,
    *,
    directed: bool,
    source: str | None,
    target: str | None,
    weight: str | None,
    relation: str | None,
) -> "Graph":
    """Read a file of edges, or open a store; columns are given as they were typed."""
    if path.is_dir():
        given = {"--source": source, "--target": target, "--weight": weight, "--relation": relation}
        options = [option for option, value in given.items() if value is not None]
        if directed or options:
            raise ValueError(
                f"{path} is a folder, so it must be a store, which knows its columns and whether "
                f"it is directed. Leave out {', '.join(options or ['--directed'])}."
            )
        from graphembed.store.store import open_store

        return open_store(path)
    from graphembed.graph.files import read_edges

    return read_edges(
        path,
        directed=directed,
        source=column(source),
        target=column(target),
        weight=column(weight),
        relation=column(relation),
    )


def column(text: str | None) -> str | int | None:
    """Return a column as it was typed: a name, or a position."""
    return int(text) if text is not None and text.isdecimal() else text


def check_output(output: str) -> None:
    """Find what would keep the result from being written, before any work is done.

    Raises
    ------
    ValueError
        If the ending says no known format.
    OSError
        If the folder is missing, is a file, or may not be written to.
    """
    path = Path(output)
    if not is_folder(output):
        if path.suffix.lower() not in VECTOR_SUFFIXES:
            raise ValueError(
                f"Cannot tell the format of {output!r}. Name a file ending in .parquet, .npy or "
                ".txt (word2vec), or a folder ending in / that will hold the whole model."
            )
        if path.is_dir():
            raise IsADirectoryError(f"{output} is a folder. Give -o the name of a file.")
    elif path.exists() and not path.is_dir():
        raise NotADirectoryError(f"{output} would be a folder, but there is a file of that name.")
    elif path.is_dir() and any(path.iterdir()) and not (path / "meta.json").is_file():
        raise FileExistsError(f"{output} holds other files. Choose another folder for -o.")
    check_parent(path)


def check_file(output: str, suffixes: Sequence[str], option: str = "-o") -> None:
    """Find what would keep a file from being written, before any work is done.

    Raises
    ------
    ValueError
        If the ending is none of ``suffixes``.
    OSError
        If it is a folder, or its own is missing or may not be written to.
    """
    path = Path(output)
    if path.suffix.lower() not in suffixes:
        known = f"{', '.join(suffixes[:-1])} or {suffixes[-1]}"
        raise ValueError(f"{option} {output}: expected a name ending in {known}.")
    if path.is_dir():
        raise IsADirectoryError(f"{output} is a folder. Give {option} the name of a file.")
    check_parent(path, option)


def check_not_input(output: str, *inputs: Path | None) -> None:
    """Check that the result would not replace a file that is read.

    Raises
    ------
    ValueError
        If it would.
    """
    for number, path in enumerate(inputs):
        if path is not None and Path(output).resolve() == path.resolve():
            which = "the file of edges" if number == 0 else str(path)
            raise ValueError(f"-o {output} would replace {which}. Choose another name.")


def check_parent(path: Path, option: str = "-o") -> None:
    """Check that the folder of a file is there and may be written to.

    Raises
    ------
    OSError
        If not.
    """
    parent = path.absolute().parent
    if not parent.is_dir():
        raise FileNotFoundError(f"There is no folder {parent} to write {path.name} to. Create it.")
    if not os.access(parent, os.W_OK):
        raise PermissionError(
            f"The folder {parent} may not be written to. Choose another for {option}."
        )


def is_folder(output: str) -> bool:
    """Whether the name asks for a saved model rather than for a file of vectors."""
    return output.endswith(("/", os.sep))


def write_result(embedder: Any, output: str) -> None:
    """Write the vectors of a fitted embedder, or all of it, as the name of the output says."""
    if is_folder(output):
        from graphembed.persistence import save

        save(embedder, output)
        return
    vectors = embedder.vectors_
    writers = {
        ".parquet": vectors.to_parquet,
        ".npy": vectors.to_npy,
        ".txt": vectors.to_word2vec,
    }
    writers[Path(output).suffix.lower()](output)


def size_on_disk(output: str) -> int:
    """Return the bytes of a file, or of all files in a folder."""
    path = Path(output)
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def read_vectors(path: Path) -> "Vectors":
    """Read vectors from a file, or from a saved model or saved vectors."""
    from graphembed.vectors import Vectors

    if path.is_dir():
        from graphembed.persistence import load

        saved = load(path)
        vectors = getattr(saved, "vectors_", saved)
        if not isinstance(vectors, Vectors):
            raise ValueError(f"{path} holds a {type(saved).__name__}, which has no vectors.")
        return vectors
    readers: dict[str, Callable[[Path], Vectors]] = {
        ".parquet": Vectors.from_parquet,
        ".npy": Vectors.from_npy,
        ".txt": Vectors.from_word2vec,
    }
    if path.suffix.lower() not in readers:
        raise ValueError(
            f"Cannot tell the format of {str(path)!r}. Expected vectors in a .parquet, "
            ".npy or word2vec .txt file, or the folder of a saved model."
        )
    return readers[path.suffix.lower()](path)
