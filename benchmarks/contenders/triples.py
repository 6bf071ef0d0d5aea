"""Knowledge graphs as arrays: what rows hand over, what contenders hand back, and its judge.

Read by the peers' interpreter too: libraries are imported inside the functions.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from harness.contender import Result
from harness.inputs import save_arrays

N_COMPONENTS = 128
PARTS = ("train", "valid", "test")


def triple_inputs(folder: Path, name: str, **more: Any) -> dict[str, Path]:
    """Write the triples of a data set, and further arrays, and return their files."""
    from graphembed.datasets import load

    return save_arrays(folder / name, {**triple_arrays(load(name)), **more})


def triple_arrays(dataset: Any) -> dict[str, Any]:
    """Return the triples of a Dataset, and ``sizes``: its numbers of entities and relations."""
    parts = {part: np.asarray(getattr(dataset, part), dtype=np.int64) for part in PARTS}
    return {**parts, "sizes": np.array([len(dataset.entities), len(dataset.relations)])}


def unit_start(sizes: Any) -> dict[str, Any]:
    """Return tables to start from, for those who would otherwise start apart: rows of length 1."""
    rng = np.random.default_rng(0)
    tables = [rng.uniform(-1, 1, (n, N_COMPONENTS)).astype(np.float32) for n in sizes]
    for table in tables:
        table /= np.linalg.norm(table, axis=1, keepdims=True)
    return dict(zip(("start_entities", "start_relations"), tables, strict=True))


def pack(entities: Any, relations: Any) -> Any:
    """Return two tables as one array, their shapes first.

    Examples
    --------
    >>> import numpy as np
    >>> [table.shape for table in unpack(pack(np.zeros((3, 2)), np.zeros((1, 4))))]
    [(3, 2), (1, 4)]
    """
    tables = [np.asarray(table, dtype=np.float32) for table in (entities, relations)]
    shapes = np.array([table.shape for table in tables], dtype=np.int64)
    return np.concatenate([shapes.ravel().astype(np.float64), *map(np.ravel, tables)])


def unpack(packed: Any) -> tuple[Any, Any]:
    """Return the tables of :func:`pack`, float32."""
    n, width, m, other = packed[:4].astype(np.int64)
    first, second = np.split(packed[4:].astype(np.float32), [n * width])
    return first.reshape(n, width), second.reshape(m, other)


def complex_columns(rows: Any) -> Any:
    """Return complex rows as real ones: real parts in the first half, imaginary in the second."""
    return np.concatenate([rows.real, rows.imag], axis=1)


def as_graph(triples: Any, sizes: Any) -> Any:
    """Return triples as a Graph of all entities."""
    from graphembed.graph.builders import from_rows
    from graphembed.graph.ids import NodeIndex

    n_entities, n_relations = sizes.tolist()
    heads, kinds, tails = np.ascontiguousarray(triples.T.astype(np.int32))
    return from_rows(
        heads, tails, edge_types=kinds, nodes=NodeIndex.range(n_entities), directed=True,
        relations=tuple(map(str, range(n_relations))),
    )  # fmt: skip


def make_model(model: str, **params: Any) -> Any:
    """Return a model of ours by name, not fitted."""
    from graphembed.knowledge import all_models

    return all_models()[model](**params)


def ranking(
    formula: Any, packed: Any, arrays: Mapping[str, Any], *, reciprocal: bool
) -> dict[str, Result]:
    """Judge tables by the test triples: filtered, realistic ranks, both sides, all entities."""
    from graphembed.evaluation.ranking import evaluate_ranking
    from graphembed.knowledge.answers import Model

    model = Model(formula, *unpack(packed), reciprocal)
    train, valid, test = (arrays[part] for part in PARTS)
    report = evaluate_ranking(model, test, filters=[train, valid])
    found: dict[str, Result] = {"MRR": round(report.mrr, 4)}
    return found | {f"Hits@{k}": round(report.hits[k], 4) for k in (1, 10)}
