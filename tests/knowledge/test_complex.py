import numpy as np
import pytest
import torch

from graphembed.knowledge.complex import ComplExFormula
from graphembed.knowledge.rotate import RotatEFormula
from graphembed.testing.formulas import check_formula


def as_complex(row):
    return row[:4] + 1j * row[4:]


def as_complex_tensor(rows):
    return torch.complex(rows[:, :4], rows[:, 4:])


def test_formula():
    check_formula(
        ComplExFormula(8),
        lambda h, r, t: (as_complex(h) * as_complex(r) * np.conj(as_complex(t))).sum().real,
        lambda h, r, t: (
            as_complex_tensor(h) * as_complex_tensor(r) * as_complex_tensor(t).conj()
        ).sum(1).real,
    )  # fmt: skip


@pytest.mark.parametrize("formula", [ComplExFormula, RotatEFormula])
def test_an_odd_number_of_columns_makes_no_complex_numbers(formula):
    with pytest.raises(ValueError, match="must be even; got 7"):
        formula(7)
