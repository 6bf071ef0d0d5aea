import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from graphembed.knowledge.rows import (
    complex_product,
    relation_gradient,
    row_products,
    unit_rows,
    weighted_rows,
)

RNG = np.random.default_rng(0)
ROWS, OTHERS = RNG.normal(size=(2, 200, 19)).astype(np.float32)
WEIGHTS = RNG.normal(size=(200, 1)).astype(np.float32)


def test_gradients_of_a_single_row_are_sums():
    assert relation_gradient(OTHERS, ROWS) is ROWS
    np.testing.assert_allclose(relation_gradient(OTHERS[:1], ROWS), ROWS.sum(0)[None], rtol=1e-5)
    assert not relation_gradient(OTHERS[:1], ROWS[:0]).any()


def test_weighted_rows_are_gradients_of_relations():
    for relations in (OTHERS, OTHERS[:1]):
        expected = relation_gradient(relations, WEIGHTS * ROWS)
        np.testing.assert_allclose(weighted_rows(relations, WEIGHTS, ROWS), expected, atol=1e-4)


@given(start=st.integers(0, 199), size=st.integers(1, 9), single=st.booleans())
def test_products_of_rows_have_the_same_bits_wherever_they_stand(start, size, single):
    part = slice(start, start + size)
    others = OTHERS[:1] if single else OTHERS
    found = row_products(ROWS[part].copy(), others if single else others[part].copy())
    np.testing.assert_array_equal(found, row_products(ROWS, others)[part])
    np.testing.assert_allclose(found[:, 0], (ROWS * others).sum(1)[part], atol=1e-4)


def test_unit_rows():
    rows = np.array([[3, 4], [0, 0]], dtype=np.float32)
    np.testing.assert_allclose(unit_rows(rows), [[0.6, 0.8], [0, 0]], rtol=1e-6)
    assert unit_rows(rows[:0]).shape == (0, 2)


def test_complex_products():
    a, b = ROWS[:, :18], OTHERS[:, :18]
    ours = [x[:, :9] + 1j * x[:, 9:] for x in (a, b)]
    for conjugate, other in ((False, ours[1]), (True, ours[1].conj())):
        expected = ours[0] * other
        found = complex_product(a, b, conjugate=conjugate)
        np.testing.assert_allclose(found, np.hstack([expected.real, expected.imag]), atol=1e-5)
