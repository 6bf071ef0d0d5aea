import numpy as np
import pytest
from harness.contender import Measurement
from rows import all_rows, sampling

from graphembed.datasets.synthetic import rmat


@pytest.fixture(scope="module")
def arrays():
    matrix = rmat(8, 8, random_state=0).adjacency
    seeds = np.flatnonzero(np.diff(matrix.indptr))[:40]
    return {
        "indptr": matrix.indptr,
        "indices": matrix.indices,
        "data": matrix.data,
        "seeds": seeds.astype(np.int32),
    }


def test_the_row_is_found_and_says_who_is_missing():
    row = all_rows()["neighbor-sampling"]
    assert "where pyg-lib is installed" in row.title
    assert row.peer_groups == ()


def test_contenders_are_told_apart_and_one_is_ours():
    for threads in (1, 2):
        for pyg_lib in (False, True):
            found = sampling.contenders(threads, pyg_lib=pyg_lib)
            assert len({each.name for each in found}) == len(found)
            assert sum(each.reference for each in found) == 1
            assert (sampling.NUMPY in found) == (threads == 1)
            assert any("NeighborLoader" in each.name for each in found) == pyg_lib


def test_ours_and_the_loop_walk_along_as_many_edges(arrays, monkeypatch):
    """If nodes choose all their neighbours, there is nothing left to chance."""
    monkeypatch.setattr(sampling, "FANOUT", (1000, 1000))
    monkeypatch.setattr(sampling, "BATCH_SIZE", 20)
    counts = []
    for make, params in [
        (sampling.graphembed_sampler, {}),
        (sampling.graphembed_sampler, {"weighted": True}),
        (sampling.numpy_loop, {}),
    ]:
        job = make(arrays, threads=1, n_batches=2, **params)
        counts.append(int(job.finish(job.run())))
        assert job.notes["edges"] == counts[-1]
        assert "RSS growth MB" in job.notes
    assert counts[0] == counts[1] == counts[2] > 0


def test_samples_are_compared_by_edges_a_second():
    found = [
        Measurement("graphembed", warm_seconds=[2.0], results={"edges": 4_000_000}),
        Measurement("numpy loop", warm_seconds=[1.0], results={"edges": 100_000}),
        Measurement("broken", error="no"),
    ]
    sampling.annotate(found)
    assert found[0].results == {"M edges/s": 2.0}
    assert found[1].results == {"M edges/s": 0.1, "ours is times as fast": 20.0}
    assert found[2].results == {}
