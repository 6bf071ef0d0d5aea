import dataclasses

import numpy as np
import pytest

from graphembed.datasets import Dataset
from graphembed.graph.builders import from_edges

GRAPH = from_edges([0], [1])


def test_what_a_set_does_not_have_is_none_or_empty():
    dataset = Dataset(name="tiny", graph=GRAPH)
    assert dataset.labels is dataset.train is dataset.edge_table is None
    assert dataset.splits == dataset.graphs == {}


def test_no_two_sets_share_their_splits():
    assert Dataset(name="a", graph=GRAPH).splits is not Dataset(name="b", graph=GRAPH).splits


def test_it_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Dataset(name="tiny", graph=GRAPH).name = "other"


def test_repr_is_short():
    dataset = Dataset(
        name="tiny", graph=GRAPH, labels=np.array([0, 1]), label_names=("a", "b"),
        train=np.zeros((5, 3), dtype=np.int32), graphs={0: GRAPH},
    )  # fmt: skip
    assert repr(dataset) == f"Dataset('tiny', {GRAPH!r}, n_graphs=1, n_labels=2, n_train=5)"
