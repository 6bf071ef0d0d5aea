"""Inputs that rows share: made here, handed over as ``.npy`` files.

The peers' interpreter reads this file for :func:`csr`; graphembed is imported only by what makes
inputs.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np


def save_arrays(folder: Path, arrays: Mapping[str, Any]) -> dict[str, Path]:
    """Write each array to ``folder/<name>.npy`` and return the paths by name."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {name: folder / f"{name}.npy" for name in arrays}
    for name, path in paths.items():
        np.save(path, arrays[name], allow_pickle=False)
    return paths


def save_graph(folder: Path, graph: Any) -> dict[str, Path]:
    """Write the adjacency matrix of a Graph as the arrays that :func:`csr` reads."""
    matrix = graph.adjacency
    return save_arrays(
        folder,
        {
            "indptr": matrix.indptr.astype(np.int64),
            "indices": matrix.indices.astype(np.int32),
            "data": matrix.data.astype(np.float32),
        },
    )


def csr(arrays: Mapping[str, Any], *, matrix: bool = False) -> Any:
    """Return the adjacency: a csr_array, or the older csr_matrix that some peers insist on."""
    import scipy.sparse as sp

    n_nodes = len(arrays["indptr"]) - 1
    kind = sp.csr_matrix if matrix else sp.csr_array
    parts = (arrays["data"], arrays["indices"], arrays["indptr"])
    return kind(parts, shape=(n_nodes, n_nodes))


def rmat(cache: Path, scale: int) -> dict[str, Path]:
    """Return the files of an undirected R-MAT graph with 16 edges a node, made once."""
    folder = cache / f"rmat-{scale}"
    names = ("indptr", "indices", "data")
    if not all((folder / f"{name}.npy").exists() for name in names):
        from graphembed.datasets.synthetic import rmat as draw

        save_graph(folder, draw(scale, 16, random_state=0))
    return {name: folder / f"{name}.npy" for name in names}


def n_bytes(paths: Mapping[str, Path]) -> int:
    """Return the size of the arrays, headers left out."""
    return sum(np.load(path, mmap_mode="r", allow_pickle=False).nbytes for path in paths.values())
