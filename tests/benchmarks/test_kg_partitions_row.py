import numpy as np
import pytest
from rows import kg_partitions

import graphembed as ge
from graphembed.store import write_graph


@pytest.mark.parametrize("n_partitions", [1, 5])
def test_ranks_of_a_model_in_memory_and_in_files(tmp_path, n_partitions):
    heads = np.arange(60)
    tails, kinds = (heads + 1) % 60, ["next"] * 60
    graph = ge.Graph.from_edges(heads, tails, relations=kinds, directed=True)
    write_graph(graph, tmp_path / "store", n_partitions=n_partitions)
    triples = graph.triples()
    arrays = {"train": triples[10:], "valid": triples[5:10], "test": triples[:5]}
    parameters = {"n_components": 8, "n_epochs": 2}
    job = kg_partitions.graphembed_partitions(
        arrays, threads=1, model="TransE", parameters=parameters, store=str(tmp_path / "store"),
        workdir=str(tmp_path / "work"),
    )  # fmt: skip
    ranks = job.finish(job.run())
    assert ranks.shape == (2, 5)
    assert ((ranks >= 1) & (ranks <= 60)).all()
    assert job.notes["same ranks in 1, 4, 16 blocks"]
    assert job.notes["loss"] > 0
