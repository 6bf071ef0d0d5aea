import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from graphembed.kernels import skipgram as compiled
from graphembed.kernels.alias import build_alias, sample_row
from graphembed.kernels.torch.skipgram import (
    GROUP,
    TorchSkipGram,
    draw_negatives,
    draw_windows,
    train_pairs,
    window_pairs,
)
from graphembed.testing import reference

CPU = torch.device("cpu")
KEY = 2**63 + 12345
RATE = 0.3


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Batches are small: threads would wait for one another."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(n_threads)


def make_tables(n_nodes: int, d: int, seed: int = 0) -> np.ndarray:
    """Return tables w_in and w_out, their spare rows zero."""
    tables = np.random.default_rng(seed).normal(0, 0.3, (2, n_nodes + 1, d)).astype(np.float32)
    tables[:, -1] = 0
    return tables


def make_alias(weights: Any) -> np.ndarray:
    table = np.empty(len(weights), dtype=np.uint64)
    build_alias(np.array([0, len(weights)]), np.asarray(weights, np.float32), table, 0, 1)
    return table


def make_walks(n_nodes: int, n_walks: int, length: int, seed: int = 0) -> np.ndarray:
    """Return walks of any length down to zero."""
    rng = np.random.default_rng(seed)
    walks = rng.integers(0, n_nodes, (n_walks, length)).astype(np.int32)
    walks[np.arange(length) >= rng.integers(0, length + 4, n_walks)[:, None]] = -1
    return walks


def train(tables: np.ndarray, inputs: Any, outputs: Any, negatives: Any, **options: Any):
    """Return both tables and the loss after one batch."""
    w_in, w_out = torch.from_numpy(tables.copy())
    arrays = [torch.as_tensor(np.asarray(array, np.int64)) for array in (inputs, outputs)]
    noise = torch.as_tensor(np.asarray(negatives, np.int64))
    loss = train_pairs(w_in, w_out, *arrays, noise, RATE, **options)
    return w_in.numpy(), w_out.numpy(), loss.item()


def assert_same(result: Any, expected: Any) -> None:
    np.testing.assert_allclose(result[0], expected[0], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(result[1], expected[1], rtol=1e-4, atol=1e-5)
    assert result[2] == pytest.approx(expected[2], rel=1e-4)


@pytest.mark.parametrize("n_negatives", [1, 5, 12])
@pytest.mark.parametrize(("n_nodes", "d", "size"), [(40, 16, 8), (40, 100, 5), (3, 7, 8)])
def test_one_group_is_the_slow_twin(n_nodes: int, d: int, size: int, n_negatives: int) -> None:
    """With three nodes, inputs, outputs and negatives recur, and some negatives are masked."""
    tables, rng = make_tables(n_nodes, d), np.random.default_rng(d)
    pairs = rng.integers(0, n_nodes, (2, size))
    negatives = rng.integers(0, n_nodes, n_negatives)
    result = train(tables, *pairs, [negatives])
    assert_same(result, reference.skipgram_group(*tables, *pairs, negatives, RATE))
    assert not result[0][-1].any()
    assert not result[1][-1].any()


def test_groups_of_a_batch_add_up_at_the_old_values() -> None:
    tables, rng = make_tables(9, 16), np.random.default_rng(1)
    pairs, negatives = rng.integers(0, 9, (2, 13)), rng.integers(0, 9, (4, 3))
    total = [tables[0].astype(np.float64), tables[1].astype(np.float64), 0.0]
    for group, start in enumerate(range(0, 13, 4)):
        each = reference.skipgram_group(*tables, *pairs[:, start : start + 4], negatives[group], 1)
        total[0] += RATE * (each[0] - tables[0])
        total[1] += RATE * (each[1] - tables[1])
        total[2] += each[2]
    assert_same(train(tables, *pairs, negatives, group=4), total)


def test_masked_negatives_do_nothing() -> None:
    tables = make_tables(4, 16)
    result = train(tables, [0, 1], [2, 2], [[2, 2, 2]])
    assert_same(result, reference.skipgram_group(*tables, [0, 1], [2, 2], [], RATE))


def test_rows_with_many_moves_take_shorter_steps() -> None:
    tables = make_tables(5, 16)
    inputs, outputs, negatives = [0, 0, 0, 1], [2, 3, 4, 2], [[1]]
    plain = train(tables, inputs, outputs, negatives)
    short = train(tables, inputs, outputs, negatives, max_moves=2)
    # Node 0 is an input three times, node 1 a negative of four pairs.
    shares = np.ones((2, 6, 1), dtype=np.float32)
    shares[0, 0], shares[1, 1] = 2 / 3, 2 / 4
    for share, before, moved, result in zip(shares, tables, plain, short[:2], strict=False):
        np.testing.assert_allclose(result, before + share * (moved - before), atol=1e-6)
    assert short[2] == plain[2]


@pytest.mark.parametrize("n_pairs", [GROUP, GROUP - 3])
def test_same_negatives_as_the_compiled_kernel(n_pairs: int) -> None:
    """A batch of one group, with the draws of the same key, is one group of the other kernel."""
    tables, rng = make_tables(30, 32), np.random.default_rng(2)
    inputs, outputs = rng.integers(0, 30, (2, n_pairs)).astype(np.int32)
    table = make_alias(rng.random(30))
    negatives = draw_negatives(torch.from_numpy(table.view(np.int64)), KEY, 0, (1, 5))
    result = train(tables, inputs, outputs, negatives)
    loss, _ = compiled.train_pairs(
        *tables, inputs, outputs, 0, n_pairs, np.arange(30, dtype=np.int32), table, 0, 30, 5,
        np.float32(RATE), np.uint64(KEY),
    )  # fmt: skip
    assert_same(result, (*tables, loss))


@given(st.integers(0, 2**64 - 1), st.integers(1, 2**31 - 1), st.integers(0, 2**40))
def test_draws_are_those_of_the_compiled_kernel(key: int, seed: int, first: int) -> None:
    table = make_alias(np.random.default_rng(seed).random(1 + seed % 50))
    expected = np.empty(24, dtype=np.int64)
    sample_row(table, np.uint64(key), first, expected)
    result = draw_negatives(torch.from_numpy(table.view(np.int64)), key, first, (4, 6))
    np.testing.assert_array_equal(result, expected.reshape(4, 6))


def test_frequencies_of_negatives() -> None:
    weights = np.arange(1, 51) ** 0.75
    table = torch.from_numpy(make_alias(weights).view(np.int64))
    counts = np.bincount(draw_negatives(table, KEY, 0, (100, 1000)).ravel(), minlength=50)
    assert chisquare(counts, weights / weights.sum() * counts.sum()).pvalue > 1e-3


@given(st.integers(0, 2**32), st.integers(1, 12), st.booleans(), st.integers(0, 2**40))
def test_window_pairs_are_those_of_the_compiled_kernel(
    seed: int, window: int, shrink: bool, first: int
) -> None:
    walks = make_walks(10, 5, 8, seed)
    reach = torch.full(walks.shape, window)
    if shrink:
        reach = draw_windows(KEY, first, 5, 8, window, CPU)
    pairs = np.empty((2, walks.size * 2 * window), dtype=np.int32)
    end = compiled.window_pairs(walks, first, window, shrink, np.uint64(KEY), *pairs, 0)
    result = torch.stack(window_pairs(torch.from_numpy(walks), window, reach))
    np.testing.assert_array_equal(result, pairs[:, :end])


def test_what_follows_the_end_of_a_walk_is_not_read() -> None:
    walks = torch.tensor([[0, 1, -1, 2, 3]])
    inputs, outputs = window_pairs(walks, 4, torch.full((1, 5), 4))
    assert (inputs.tolist(), outputs.tolist()) == ([1, 0], [0, 1])


def test_pairs_do_not_depend_on_how_walks_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few places at a time give the same pairs, and the number of them that there are."""
    walks, (w_in, w_out) = make_walks(10, 12, 8), make_tables(10, 16)
    model = TorchSkipGram(w_in, w_out, make_alias(np.ones(10)), window=3, n_negatives=2, device=CPU)
    whole = torch.cat(
        [torch.stack(batch) for batch in model._batches(model._send(walks), 7, KEY)], 1
    )
    monkeypatch.setattr("graphembed.kernels.torch.skipgram._PLACES", 100)
    batches = [torch.stack(batch) for batch in model._batches(model._send(walks), 7, KEY)]
    assert max(batch.shape[1] for batch in batches) <= min(100, model.batch_size)
    assert torch.equal(torch.cat(batches, 1), whole)
    keys = {"first_walk": 7, "window_key": KEY, "negative_key": 1}
    loss, n_pairs = model.train_walks(walks, 0.01, **keys)
    assert n_pairs == whole.shape[1]
    assert np.isfinite(loss)


def test_no_pairs_no_move() -> None:
    w_in, w_out = make_tables(10, 16)
    model = TorchSkipGram(w_in, w_out, make_alias(np.ones(10)), window=3, n_negatives=2, device=CPU)
    for walks in (np.full((2, 4), -1, np.int32), np.zeros((3, 1), np.int32)):
        keys = {"first_walk": 0, "window_key": KEY, "negative_key": 1}
        assert model.train_walks(walks, 0.05, **keys) == (0.0, 0)
    np.testing.assert_array_equal(model.w_in, w_in)


def two_cliques(n: int) -> np.ndarray:
    """Return walks that stay in one of two cliques of ``n`` nodes, but for one in twenty."""
    rng = np.random.default_rng(0)
    side = np.repeat([0, 1], 40)
    walks = rng.integers(0, n, (80, 20)) + n * side[:, None]
    walks[::20, 10:] = n - walks[::20, 10:] % n + n * (1 - side[::20, None]) - 1
    return rng.permutation(walks).astype(np.int32)


def test_two_cliques_separate() -> None:
    n, walks = 8, two_cliques(8)
    w_in = make_tables(2 * n, 16)[0] / 16
    w_out = np.zeros_like(w_in)
    runs = []
    for _ in range(2):
        tables = w_in.copy(), w_out.copy()
        model = TorchSkipGram(
            *tables, make_alias(np.ones(2 * n)), window=3, n_negatives=5, device=CPU
        )
        losses = []
        for turn in range(3):
            keys = {"first_walk": 0, "window_key": turn, "negative_key": 100 + turn}
            loss, n_pairs = model.train_walks(walks, 0.05, **keys)
            losses.append(loss / n_pairs)
        assert losses[-1] < losses[0]
        np.testing.assert_array_equal(tables[0], w_in)  # until copied back
        model.copy_back()
        runs.append(tables)
    np.testing.assert_array_equal(runs[0], runs[1])  # the same bits
    vectors = runs[0][0][: 2 * n]
    vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    scores = vectors @ vectors.T
    np.fill_diagonal(scores, np.nan)
    same = np.arange(2 * n) // n
    inside = same[:, None] == same
    assert np.nanmin(scores[inside]) > scores[~inside].max()


def test_the_package_loads_no_torch() -> None:
    code = "import sys, graphembed, graphembed.kernels.skipgram; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
