"""Save and load models, vectors and graphs: JSON and arrays in a folder, never pickle."""

import hashlib
import json
import os
import shutil
import sys
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from graphembed import atomic
from graphembed.exceptions import GraphEmbedError, PersistenceError
from graphembed.graph.graph import Graph
from graphembed.saved_state import StateReader, StateWriter
from graphembed.vectors import Vectors

FORMAT = "graphembed"
FORMAT_VERSION = 1
META = "meta.json"
# Models made of others: they stand above this module, and are imported when one is loaded.
COMPOSED = {"LinkPredictor": "graphembed.link_predictor"}

# What decoding can run into when a state was not written by `save`.
_NONSENSE = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)

PathLike = str | os.PathLike[str]


def save(obj: Any, path: PathLike) -> None:
    """Save a fitted embedder or link predictor, :class:`Vectors` or a :class:`Graph` to a folder.

    The folder holds ``meta.json`` (class, parameters, scalars, a checksum of itself and of every
    other file), one ``.npy`` file for each array, Arrow IPC files for string ids and a
    ``.safetensors`` file for the weights of a network. It appears whole or not at all: everything
    is written beside it, flushed to the disk, then renamed. What was saved at ``path`` before stays
    loadable until then, also if the machine stops.

    Parameters
    ----------
    obj : embedder, LinkPredictor, Vectors or Graph
        Of an embedder, its parameters and what it learned are kept. A ``random_state`` is kept if
        it is an int; a generator has moved on by now, and is saved as ``None``, as callbacks are. A
        link predictor can be saved with its default classifier only.
    path : path-like
        The folder to make; ``~`` is the home folder. An earlier save is replaced.

    Raises
    ------
    PersistenceError
        If ``obj`` is not one of these or holds something that cannot be saved, or ``path`` is
        there already and is not a saved folder, or somebody put other files into it.
    OSError
        If the disk is full or ``path`` may not be written; what was there before is unchanged.

    Notes
    -----
    A save that is killed can leave a hidden folder ``.NAME.*.tmp`` behind, which may be deleted.

    An embedder may choose what is kept: ``__graphembed_state__(self) -> dict`` and the class
    method ``__from_graphembed_state__(cls, state)``. By default it is ``get_params()`` and all
    attributes that end with an underscore. Values may be None, bool, int, float, str, NumPy
    scalars and arrays, ``csr_array``, ``NodeIndex``, graphs, vectors, embedders, and lists, tuples
    and dicts of these.

    Examples
    --------
    >>> import tempfile
    >>> import graphembed as ge
    >>> path = tempfile.mkdtemp() + "/vectors"
    >>> ge.save(ge.Vectors(["ann", "bob"], [[1.0, 0.0], [0.0, 1.0]]), path)
    >>> ge.load(path)["bob"]
    array([0., 1.], dtype=float32)
    """
    if _describe(obj) is None:
        raise PersistenceError(
            f"A {type(obj).__name__} cannot be saved; expected an embedder, a LinkPredictor, "
            "Vectors or a Graph."
        )
    write_folder(obj, path)


def write_folder(obj: Any, path: PathLike) -> None:
    """Save any value that the state of an object may hold; :func:`load` returns it.

    Parameters
    ----------
    obj : embedder, Vectors, Graph, or plain values, arrays, lists, tuples and dicts of these
    path : path-like
        As in :func:`save`, which this is without the check of the type.

    Raises
    ------
    PersistenceError, OSError
        As :func:`save` does.
    """
    # A link to a folder stays a link.
    folder = _real(path)
    _restore_previous(folder)
    _check_replaceable(folder)
    new = atomic.temporary_sibling(folder)
    try:
        new.mkdir()
        _write(obj, new)
        _swap(new, folder)
    except OSError as error:
        message = f"{path} could not be saved ({error}); what was there before is unchanged."
        raise OSError(error.errno, message) from error
    finally:
        shutil.rmtree(new, ignore_errors=True)


def load(
    path: PathLike, *, mmap_mode: Literal["r"] | None = None, verify: bool | None = None
) -> Any:
    """Load what :func:`save` saved.

    Parameters
    ----------
    path : path-like
        The folder.
    mmap_mode : {"r", None}, default=None
        With "r" arrays are memory-mapped and read-only: loading is immediate, and only what is
        used is read.
    verify : bool, default=None
        Whether the content of every file is checked against its checksum. By default it is,
        unless files are memory-mapped; their sizes and ``meta.json`` are always checked.

    Returns
    -------
    embedder, Vectors or Graph
        Equal to what was saved, bit for bit. Nothing that is loaded can run code.

    Raises
    ------
    PersistenceError
        If the folder was not made by :func:`save`, was damaged or changed, or is of a newer
        version of the library.
    FileNotFoundError
        If there is no such folder.
    """
    if mmap_mode not in (None, "r"):
        raise ValueError(f"mmap_mode must be None or 'r'; got {mmap_mode!r}.")
    folder = _real(path)
    if not folder.exists() and _previous(folder).exists():
        folder = _previous(folder)  # a save was cut off between its two renames
    if not folder.exists():
        raise FileNotFoundError(f"There is no folder {path}.")
    meta = _read_meta(folder)
    verify = mmap_mode is None if verify is None else verify
    try:
        reader = StateReader(folder, meta["files"], _restore, mmap=mmap_mode == "r", verify=verify)
        return reader.decode(meta["object"])
    except (GraphEmbedError, OSError):
        raise
    except _NONSENSE as error:
        raise PersistenceError(
            f"{folder} cannot be read: its state makes no sense ({type(error).__name__}: {error})."
        ) from error


def _real(path: PathLike) -> Path:
    folder = Path(os.path.realpath(Path(path).expanduser()))
    if not folder.name:
        raise PersistenceError(f"{folder} is the root of the file system; name a folder in it.")
    return folder


def _write(obj: Any, folder: Path) -> None:
    from graphembed import __version__

    writer = StateWriter(folder, _describe)
    content = writer.encode(obj, "")
    meta = {
        "format": FORMAT, "format_version": FORMAT_VERSION, "library_version": __version__,
        "object": content, "files": writer.files,
    }  # fmt: skip
    meta["checksum"] = _checksum(meta)
    with (folder / META).open("x", encoding="utf-8") as file:
        json.dump(meta, file, indent=1, allow_nan=False)
        file.flush()
        os.fsync(file.fileno())
    atomic.sync(folder)


def _swap(new: Path, folder: Path) -> None:
    """Put ``new`` in the place of ``folder``; at every moment one of them can be loaded."""
    replaces = folder.exists()
    if replaces:
        folder.rename(_previous(folder))
    try:
        new.rename(folder)
    except OSError:
        _restore_previous(folder)
        raise
    atomic.sync(folder.parent)
    if replaces:
        shutil.rmtree(_previous(folder), ignore_errors=True)


def _previous(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.previous")


def _restore_previous(folder: Path) -> None:
    """Finish or undo a save that was cut off."""
    previous = _previous(folder)
    if folder.exists():
        shutil.rmtree(previous, ignore_errors=True)
    elif previous.exists():
        previous.rename(folder)


def _check_replaceable(folder: Path) -> None:
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    try:
        known = {META, *_read_meta(folder)["files"]}
    except PersistenceError as error:
        raise PersistenceError(
            f"{folder} exists and is not a saved folder that could be replaced. Choose another "
            f"path, or delete it first. ({error})"
        ) from error
    others = sorted(entry.name for entry in folder.iterdir() if entry.name not in known)
    if others:
        raise PersistenceError(
            f"{folder} holds files that are not part of what was saved there: "
            f"{', '.join(others[:5])}. Move them, or choose another path."
        )


def _read_meta(folder: Path) -> dict[str, Any]:
    path = folder / META
    if path.is_symlink() or not path.is_file():
        raise PersistenceError(f"{folder} is not a saved folder: it has no {META}.")
    try:
        meta = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise PersistenceError(f"{path} is damaged: it is not JSON ({error}).") from error
    if not isinstance(meta, dict) or meta.get("format") != FORMAT:
        raise PersistenceError(f"{folder} is not a saved folder: its {META} is of something else.")
    version = meta.get("format_version")
    if not isinstance(version, int) or version > FORMAT_VERSION:
        raise PersistenceError(
            f"{folder} is of format {version!r}, made by graphembed {meta.get('library_version')}; "
            f"this version reads up to format {FORMAT_VERSION}. Upgrade graphembed."
        )
    expected = meta.pop("checksum", None)
    if expected != _checksum(meta):
        raise PersistenceError(f"{path} is damaged or was changed: its checksum does not match.")
    if not isinstance(meta.get("files"), dict) or "object" not in meta:
        raise PersistenceError(f"{path} is damaged: it names no files or no object.")
    return meta


def _checksum(meta: dict[str, Any]) -> str:
    canonical = json.dumps(meta, sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(canonical.encode(), digest_size=32).hexdigest()


def _describe(obj: Any) -> tuple[str, dict[str, Any]] | None:
    """Return class name and state of what can be saved."""
    if type(obj) is Vectors:
        return "Vectors", {
            "nodes": obj.node_index, "matrix": obj.matrix, "geometry": obj.geometry,
        }  # fmt: skip
    if type(obj) is Graph:
        return "Graph", {
            "indptr": obj.indptr, "indices": obj.indices, "weights": obj.weights,
            "nodes": obj.node_index, "directed": obj.directed, "edge_types": obj.edge_types,
            "relations": obj.relations, "features": obj.features,
        }  # fmt: skip
    name = type(obj).__name__
    if hasattr(type(obj), "fit") and _model_class(name) is type(obj):
        return name, _model_state(obj)
    if hasattr(type(obj), "score_rows") and not hasattr(obj, "node_index_"):
        # As a parameter of a link predictor; fitted ones are as quickly made again.
        return (name, _model_state(obj)) if _heuristics().get(name) is type(obj) else None
    return None


def _restore(name: str, state: dict[str, Any]) -> Any:
    if name == "Vectors":
        return Vectors._trusted(**state)
    if name == "Graph":
        return _checked_graph(**state)
    if name in COMPOSED:
        import_module(COMPOSED[name])
    cls = _model_class(name) or _heuristics().get(name)
    if cls is None:
        raise PersistenceError(
            f"The folder holds a {name}, which this version of graphembed does not know."
        )
    if hasattr(cls, "__from_graphembed_state__"):
        return cls.__from_graphembed_state__(state)
    embedder = cls(**state["parameters"])
    for attribute, value in state["fitted"].items():
        setattr(embedder, attribute, value)
    return embedder


def _model_class(name: str) -> Any:
    """Return the class of this name, None if there is none; only what it needs is imported."""
    from graphembed import embedders, knowledge

    if COMPOSED.get(name) in sys.modules:  # what has to be saved has been imported
        return getattr(sys.modules[COMPOSED[name]], name)
    return embedders.all_embedders().get(name) or knowledge.find_model(name)


def _heuristics() -> dict[str, Any]:
    from graphembed import heuristics

    return heuristics.all_heuristics()


def _model_state(embedder: Any) -> dict[str, Any]:
    if hasattr(embedder, "__graphembed_state__"):
        state: dict[str, Any] = embedder.__graphembed_state__()
        return state
    parameters = embedder.get_params(deep=False)
    seed = parameters.get("random_state")
    if seed is not None and not isinstance(seed, int | np.integer):
        parameters["random_state"] = None
    if "callbacks" in parameters:  # code
        parameters["callbacks"] = None
    if isinstance(parameters.get("workdir"), os.PathLike):
        parameters["workdir"] = os.fspath(parameters["workdir"])
    fitted = {name: value for name, value in vars(embedder).items() if name.endswith("_")}
    return {"parameters": parameters, "fitted": fitted}


def _checked_graph(
    indptr: npt.NDArray[np.int64], indices: npt.NDArray[np.int32], **others: Any
) -> Graph:
    """Make a graph that cannot lead a kernel outside its arrays."""
    n_nodes, n_entries = len(indptr) - 1, len(indices)
    lengths = [len(others[name]) for name in ("weights", "edge_types") if others[name] is not None]
    if others["features"] is not None:
        lengths.append(others["features"].shape[0] - n_nodes + n_entries)
    sound = len(others["nodes"]) == n_nodes and all(length == n_entries for length in lengths)
    sound = (
        sound and indptr[0] == 0 and indptr[-1] == n_entries and bool(np.all(np.diff(indptr) >= 0))
    )
    if not sound or (n_entries and not 0 <= indices.min() <= indices.max() < n_nodes):
        raise PersistenceError("The folder holds a graph whose arrays do not fit together.")
    return Graph(indptr, indices, **others)
