"""The contract of a formula of a knowledge graph model.

:func:`check_formula` compares it with two other writings of its score: one triple at a time in
NumPy, and in torch, whose gradients are automatic.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from graphembed.knowledge.formula import Formula, RowGradients, Rows
from graphembed.knowledge.interactions import Candidates, Queries

Score = Callable[[Any, Any, Any], Any]
_SIDES = ("tail", "head")


def check_formula(formula: Formula, numpy_score: Score, torch_score: Score) -> None:
    """Raise AssertionError at the first part of the contract that a formula breaks.

    Parameters
    ----------
    formula : Formula
    numpy_score : callable
        Of one row of head, relation and tail each, float64.
    torch_score : callable
        Of tensors of many rows, float64.
    """
    check_first_values(formula)
    check_scores(formula, numpy_score)
    check_gradients(formula, torch_score)
    check_maps(formula)
    assert json.loads(json.dumps(formula.settings()))["formula"] == type(formula).__name__


def check_first_values(formula: Formula) -> None:
    """First values are float32 rows that depend on the key and their own number."""
    numbers = np.arange(20)
    for make, width in (
        (formula.initial_entities, formula.entity_width),
        (formula.initial_relations, formula.relation_width),
    ):
        rows = make(numbers, 7)
        assert rows.shape == (20, width)
        assert rows.dtype == np.float32
        assert np.isfinite(rows).all()
        assert len(np.unique(rows, axis=0)) == 20
        np.testing.assert_array_equal(make(numbers[[13, 4]], 7), rows[[13, 4]])
        assert not np.array_equal(make(numbers, 8), rows)


def check_scores(formula: Formula, numpy_score: Score) -> None:
    """Both sides score a triple as the formula says, pair by pair and in blocks."""
    for heads, relations, tails in _triples(formula):
        each = np.broadcast_to(relations, (len(heads), formula.relation_width))
        expected = [numpy_score(*triple) for triple in _float64(heads, each, tails)]
        for side in _SIDES:
            given, answers = (heads, tails) if side == "tail" else (tails, heads)
            queries = getattr(formula, f"{side}_queries")(given, relations)
            candidates = formula.candidates(answers, relations)
            assert queries.vectors.dtype == candidates.vectors.dtype == np.float32
            pairs = formula.interaction.pairs(queries, candidates)
            np.testing.assert_allclose(pairs, expected, rtol=2e-5, atol=2e-5)
            if len(relations) > 1 and formula.by_relation:
                continue
            block = np.empty((len(given), len(answers)), dtype=np.float32)
            formula.interaction.block(queries, candidates, block)
            np.testing.assert_allclose(block.diagonal(), expected, rtol=1e-4, atol=1e-4)


def check_gradients(formula: Formula, torch_score: Score) -> None:
    """Gradients by heads, relations and tails are those that torch finds."""
    for heads, relations, tails in _triples(formula):
        weights = np.random.default_rng(3).normal(size=len(heads)).astype(np.float32)
        tensors = [torch.tensor(x, dtype=torch.float64, requires_grad=True)
                   for x in (heads, relations, tails)]  # fmt: skip
        (torch_score(*tensors) * torch.tensor(weights)).sum().backward()
        expected: list[Any] = [tensor.grad for tensor in tensors]
        for side in _SIDES:
            found = _gradients(formula, side, heads, relations, tails, weights)
            gradient: Any
            for gradient, other in zip(found, expected, strict=True):
                assert gradient.dtype == np.float32
                np.testing.assert_allclose(gradient, other, rtol=1e-4, atol=1e-4)


def check_maps(formula: Formula) -> None:
    """Gradients through queries and candidates are exact, by differences in float64."""
    rng = np.random.default_rng(5)
    rows: Any
    relations: Any
    maps: list[tuple[Any, Any, Any]] = [
        (formula.tail_queries, formula.tail_queries_backward, Queries),
        (formula.head_queries, formula.head_queries_backward, Queries),
        (formula.candidates, formula.candidates_backward, Candidates),
    ]
    for rows, relations, _ in _triples(formula):
        rows, relations = rows.astype(np.float64), relations.astype(np.float64)
        d_rows, d_relations = rng.normal(size=rows.shape), rng.normal(size=relations.shape)
        for forward, backward, kind in maps:
            step = 1e-5
            after = forward(rows + step * d_rows, relations + step * d_relations).vectors
            before = forward(rows - step * d_rows, relations - step * d_relations).vectors
            grads = rng.normal(size=after.shape)
            by_rows, by_relations = backward(rows, relations, kind(grads))
            assert by_rows.shape == rows.shape
            found = (by_rows * d_rows).sum()
            if kind is Queries or formula.by_relation:
                assert by_relations.shape == relations.shape
                found += (by_relations * d_relations).sum()
            expected = (grads * (after - before)).sum() / (2 * step)
            np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-7)


def _triples(formula: Formula) -> Iterator[tuple[Rows, Rows, Rows]]:
    """Yield rows of heads, relations and tails: a relation each, and a single one for all."""
    rng = np.random.default_rng(1)
    for n_relations in (6, 1):
        yield (
            _normal(rng, 6, formula.entity_width),
            _normal(rng, n_relations, formula.relation_width),
            _normal(rng, 6, formula.entity_width),
        )


def _normal(rng: np.random.Generator, n_rows: int, width: int) -> Rows:
    return rng.normal(size=(n_rows, width)).astype(np.float32)


def _float64(*tables: Rows) -> Iterator[tuple[npt.NDArray[np.float64], ...]]:
    return zip(*(table.astype(np.float64) for table in tables), strict=True)


def _gradients(
    formula: Formula, side: str, heads: Rows, relations: Rows, tails: Rows, weights: Rows
) -> tuple[Rows, Rows, Rows]:
    given, answers = (heads, tails) if side == "tail" else (tails, heads)
    queries = getattr(formula, f"{side}_queries")(given, relations)
    candidates = formula.candidates(answers, relations)
    by_queries, by_candidates = formula.interaction.pairs_backward(queries, candidates, weights)
    backward = getattr(formula, f"{side}_queries_backward")
    by_given, by_relations = RowGradients(*backward(given, relations, by_queries))
    by_answers, more = formula.candidates_backward(answers, relations, by_candidates)
    if formula.by_relation:
        by_relations = by_relations + more
    ends = (by_given, by_answers) if side == "tail" else (by_answers, by_given)
    return ends[0], by_relations, ends[1]
