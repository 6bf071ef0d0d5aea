import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from graphembed.knowledge.entity_blocks import EntityBlocks


def cut(table, seed, shuffled):
    """Return the table in blocks, and the order in which its rows come."""
    rng = np.random.default_rng(seed)
    n = len(table)
    order = rng.permutation(n) if shuffled else np.arange(n)
    parts = np.split(order, np.sort(rng.integers(0, n + 1, 3)))
    return [(part, table[part]) if shuffled else table[part] for part in parts], order


@given(
    n=st.integers(1, 40), seed=st.integers(0, 99), size=st.integers(1, 50), shuffled=st.booleans()
)
def test_blocks_are_the_table(n, seed, size, shuffled):
    table = np.random.default_rng(seed).normal(size=(n, 3)).astype(np.float32)
    source, order = cut(table, seed, shuffled)
    blocks = EntityBlocks(source)
    assert (blocks.n_entities, blocks.width) == (n, 3)
    wanted = np.random.default_rng(seed).integers(0, n, 20)
    assert_array_equal(blocks.gather(wanted), table[wanted])
    assert_array_equal(order[blocks.locate(wanted)], wanted)
    chunks = list(blocks.chunks(size))
    assert [first for first, _ in chunks] == list(range(0, n, size))
    assert all(len(rows) == size for _, rows in chunks[:-1])
    assert_array_equal(np.concatenate([rows for _, rows in chunks]), table[order])


def test_an_array_is_one_block():
    table = np.arange(12, dtype=np.float64).reshape(4, 3)
    blocks = EntityBlocks(table)
    assert blocks.gather(np.array([2])).dtype == np.float32
    assert_array_equal(blocks.locate(np.array([3, 1])), [3, 1])
    assert len(list(blocks.chunks(3))) == 2


def test_what_cannot_be_walked_twice_is_refused():
    table = np.ones((2, 1), dtype=np.float32)
    with pytest.raises(TypeError, match="walked several times, such as a list; got list_iterator"):
        EntityBlocks(iter([table]))
    with pytest.raises(TypeError, match="got int"):
        EntityBlocks(3)


def test_an_entity_that_is_nowhere_is_an_error():
    blocks = EntityBlocks([(np.array([0, 5]), np.ones((2, 1), dtype=np.float32))])
    with pytest.raises(ValueError, match="Entity 3 is in no block"):
        blocks.gather(np.array([0, 3]))
    with pytest.raises(ValueError, match="Entity 3 is in no block"):
        blocks.locate(np.array([3]))
