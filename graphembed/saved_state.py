"""How the state of an object becomes JSON and files of arrays, and back, without pickle.

Plain JSON values stand for themselves; everything else is an object with one key that starts with
"$". Each array is a ``.npy`` file, each column of strings an Arrow IPC file, and the weights of a
network are one ``.safetensors`` file; an array that occurs twice is written once and shared again
after loading.
"""

import hashlib
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import scipy.sparse as sp

from graphembed import atomic
from graphembed.exceptions import PersistenceError
from graphembed.graph.ids import NodeIndex
from graphembed.message_passing.weights import Weights

_SAFE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}")
_CSR_PARTS = ("data", "indices", "indptr")

Describe = Callable[[Any], tuple[str, dict[str, Any]] | None]
Restore = Callable[[str, dict[str, Any]], Any]


class StateWriter:
    """Encodes values, writing arrays to a folder as it meets them.

    Parameters
    ----------
    folder : pathlib.Path
        An existing folder.
    describe : callable
        Returns class name and state of an object that may be nested, ``None`` for other values.

    Attributes
    ----------
    files : dict
        Size and digest of each file written, by name.
    """

    def __init__(self, folder: Path, describe: Describe) -> None:
        self.files: dict[str, dict[str, Any]] = {}
        self._folder = folder
        self._describe = describe
        # The arrays are kept alive: the address of a freed one could come back as another's.
        self._written: dict[Any, tuple[Any, dict[str, Any]]] = {}

    def encode(self, value: Any, name: str) -> Any:
        """Return ``value`` as JSON; ``name`` is where it was found, and names its files.

        Raises
        ------
        PersistenceError
            If it is of a type that cannot be saved.
        """
        if value is None or type(value) in (bool, int, str):
            return value
        if type(value) is float:
            return value if math.isfinite(value) else {"$float": repr(value)}
        if type(value) is list:
            return [self.encode(item, f"{name}.{at}") for at, item in enumerate(value)]
        if type(value) is tuple:
            return {"$tuple": self.encode(list(value), name)}
        if isinstance(value, Weights):
            return {"$tensors": self._once(value, id(value), name, self._write_tensors)}
        if type(value) is dict:
            return {"$dict": [self._encode_item(key, item, name) for key, item in value.items()]}
        if isinstance(value, np.generic) and value.dtype.kind in "biufU":
            scalar = {"dtype": value.dtype.str, "value": self.encode(value.item(), name)}
            return {"$scalar": scalar}
        if isinstance(value, np.ndarray):
            return self._encode_array(value, name)
        if isinstance(value, sp.csr_array):
            parts = {part: self._encode_array(getattr(value, part), f"{name}.{part}")
                     for part in _CSR_PARTS}  # fmt: skip
            return {"$csr": {"shape": list(value.shape), **parts}}
        if isinstance(value, NodeIndex):
            return {"$nodes": self._encode_nodes(value, name)}
        if (described := self._describe(value)) is not None:
            class_name, state = described
            items = {key: self.encode(item, f"{name}.{key}") for key, item in state.items()}
            return {"$object": {"class": class_name, "state": items}}
        raise PersistenceError(
            f"{name.lstrip('.')} is a {type(value).__name__}, which cannot be saved. Saved are "
            "numbers, strings, lists, tuples, dicts, arrays, csr_array, graphs, vectors and "
            "embedders."
        )

    def _encode_item(self, key: Any, item: Any, name: str) -> list[Any]:
        return [self.encode(key, f"{name}.key"), self.encode(item, f"{name}.{key}")]

    def _encode_nodes(self, nodes: NodeIndex, name: str) -> Any:
        if nodes.kind == "range":
            return len(nodes)
        if nodes.kind == "int":
            return self._encode_array(nodes.to_numpy(), name)
        return self._once(nodes.to_arrow(), id(nodes.to_arrow()), name, self._write_strings)

    def _encode_array(self, array: npt.NDArray[Any], name: str) -> Any:
        if array.dtype.kind == "O":
            if not all(type(item) is str for item in array.flat):
                raise PersistenceError(
                    f"{name.lstrip('.')} is an array of Python objects, which cannot be saved."
                )
            key = (array.__array_interface__["data"], array.shape, array.strides, "O")
            strings = self._once(array, key, name, self._write_object_strings)
            return {"$strings": {**strings["$file"], "shape": list(array.shape)}}
        if array.dtype.kind not in "biufcU":
            raise PersistenceError(
                f"{name.lstrip('.')} is an array of dtype {array.dtype}, which cannot be saved."
            )
        address = array.__array_interface__["data"][0]
        key = (address, array.shape, array.strides, array.dtype.str)
        return self._once(array, key, name, self._write_array)

    def _once(self, value: Any, key: Any, name: str, write: Callable[..., Any]) -> Any:
        if key not in self._written:
            self._written[key] = (value, write(value, name))
        return self._written[key][1]

    def _write_array(self, array: npt.NDArray[Any], name: str) -> dict[str, Any]:
        path = self._path(name, ".npy")
        self._add(path, atomic.write_npy(path, array))
        return {"$file": {"name": path.name, "dtype": array.dtype.str, "shape": list(array.shape)}}

    def _write_object_strings(self, array: npt.NDArray[Any], name: str) -> dict[str, Any]:
        return self._write_strings(pa.array(array.ravel(), type=pa.large_string()), name)

    def _write_strings(self, strings: pa.LargeStringArray, name: str) -> dict[str, Any]:
        path = self._path(name, ".arrow")
        table = pa.table({"ids": strings})
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)
        atomic.sync(path)
        self._add(path, digest(path))
        return {"$file": {"name": path.name}}

    def _write_tensors(self, weights: Weights, name: str) -> dict[str, Any]:
        from safetensors.numpy import save

        path = self._path(name, ".safetensors")
        with path.open("xb") as file:
            file.write(save({key: np.asarray(array, order="C") for key, array in weights.items()}))
        atomic.sync(path)
        self._add(path, digest(path))
        return {"name": path.name}

    def _path(self, name: str, suffix: str) -> Path:
        stem = re.sub(r"[^A-Za-z0-9_.-]", "_", name.lstrip(".-"))[-80:].lstrip(".-") or "array"
        number, unique = 1, stem
        # Names that differ only in case are one file on some systems.
        taken = {file.lower() for file in self.files}
        while f"{unique}{suffix}".lower() in taken:
            number += 1
            unique = f"{stem}-{number}"
        return self._folder / f"{unique}{suffix}"

    def _add(self, path: Path, digest: str) -> None:
        self.files[path.name] = {"bytes": path.stat().st_size, "blake2b": digest}


class StateReader:
    """Decodes what :class:`StateWriter` encoded.

    Parameters
    ----------
    folder : pathlib.Path
        The saved folder.
    files : dict
        Size and digest of each file, by name.
    restore : callable
        Makes an object of class name and state.
    mmap : bool
        Whether arrays are memory-mapped.
    verify : bool
        Whether the content of files is checked, not only their size.
    """

    def __init__(
        self, folder: Path, files: dict[str, Any], restore: Restore, *, mmap: bool, verify: bool
    ) -> None:
        self._folder = folder
        self._files = files
        self._restore = restore
        self._mmap = mmap
        self._verify = verify
        self._loaded: dict[str, Any] = {}

    def decode(self, value: Any) -> Any:
        """Return the value that was encoded.

        Raises
        ------
        PersistenceError
            If a file is missing or is not what was written, or the state makes no sense.
        """
        if isinstance(value, list):
            return [self.decode(item) for item in value]
        if not isinstance(value, dict):
            return value
        ((tag, inner),) = value.items()
        decoders: dict[str, Callable[[Any], Any]] = {
            "$float": float,
            "$tuple": lambda items: tuple(self.decode(items)),
            "$dict": lambda items: {self.decode(key): self.decode(item) for key, item in items},
            "$scalar": lambda scalar: np.dtype(scalar["dtype"]).type(self.decode(scalar["value"])),
            "$file": self._read,
            "$tensors": self._read,
            "$csr": self._decode_csr,
            "$nodes": self._decode_nodes,
            "$strings": lambda about: _objects(self._read(about), about["shape"]),
            "$object": self._decode_object,
        }
        return decoders[tag](inner)

    def _decode_object(self, inner: dict[str, Any]) -> Any:
        state = {key: self.decode(item) for key, item in inner["state"].items()}
        return self._restore(inner["class"], state)

    def _decode_csr(self, inner: dict[str, Any]) -> sp.csr_array:
        parts = tuple(self.decode(inner[part]) for part in _CSR_PARTS)
        matrix = sp.csr_array(parts, shape=tuple(inner["shape"]), copy=False)
        matrix.check_format(full_check=self._verify)
        return matrix

    def _decode_nodes(self, inner: Any) -> NodeIndex:
        return NodeIndex(inner) if isinstance(inner, int) else NodeIndex(self.decode(inner))

    def _read(self, about: dict[str, Any]) -> Any:
        name = about["name"]
        if name not in self._loaded:
            path = self._checked_path(name)
            readers = {".arrow": self._read_strings, ".safetensors": self._read_tensors}
            self._loaded[name] = readers.get(path.suffix, self._read_array)(path, about)
        return self._loaded[name]

    def _checked_path(self, name: str) -> Path:
        if not _SAFE_NAME.fullmatch(name) or name not in self._files:
            raise PersistenceError(f"{self._folder} names a file that it may not hold: {name!r}.")
        path, expected = self._folder / name, self._files[name]
        if path.is_symlink() or not path.is_file():
            raise PersistenceError(f"{self._folder} is damaged: its file {name} is missing.")
        if path.stat().st_size != expected["bytes"]:
            raise PersistenceError(
                f"{path} is damaged: it should have {expected['bytes']} bytes and has "
                f"{path.stat().st_size}. Save the object again."
            )
        if self._verify and digest(path) != expected["blake2b"]:
            raise PersistenceError(
                f"{path} is damaged: its content is not what was saved. Save the object again."
            )
        return path

    def _read_array(self, path: Path, about: dict[str, Any]) -> npt.NDArray[Any]:
        try:
            if self._mmap and math.prod(about["shape"]) > 0:
                array = np.asarray(np.lib.format.open_memmap(path, mode="r"))
            else:
                with path.open("rb") as file:
                    array = np.lib.format.read_array(file, allow_pickle=False)
        except (ValueError, EOFError) as error:
            raise PersistenceError(f"{path} is not an array of numbers: {error}") from error
        if array.dtype.str != about["dtype"] or list(array.shape) != about["shape"]:
            raise PersistenceError(
                f"{path} should hold {about['dtype']} of shape {tuple(about['shape'])}; it holds "
                f"{array.dtype.str} of shape {array.shape}."
            )
        return array

    def _read_tensors(self, path: Path, _: dict[str, Any]) -> Weights:
        from safetensors import SafetensorError
        from safetensors.numpy import load

        try:
            return Weights(load(path.read_bytes()))
        except (SafetensorError, KeyError) as error:
            raise PersistenceError(f"{path} does not hold the weights of a network.") from error

    def _read_strings(self, path: Path, _: dict[str, Any]) -> pa.LargeStringArray:
        source = pa.memory_map(str(path)) if self._mmap else pa.py_buffer(path.read_bytes())
        try:
            column = pa.ipc.open_file(source).read_all().column("ids")
            if column.type != pa.large_string() or column.null_count:
                raise pa.ArrowInvalid(f"expected strings, found {column.type}")
            strings = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
            strings.validate(full=self._verify)
        except (pa.ArrowException, KeyError) as error:
            raise PersistenceError(f"{path} is not a column of strings: {error}") from error
        return strings


def digest(path: Path) -> str:
    """Return the BLAKE2b digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=32)).hexdigest()


def _objects(strings: pa.LargeStringArray, shape: list[int]) -> npt.NDArray[Any]:
    return np.asarray(strings.to_numpy(zero_copy_only=False), dtype=object).reshape(shape)
