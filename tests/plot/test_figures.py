import sys

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest

from graphembed.plot.figures import new_axes, save

mpl.use("agg")


def test_a_window_or_only_a_file(tmp_path):
    window = new_axes((2, 3), own_window=True)
    assert window.figure.number in plt.get_fignums()
    plt.close(window.figure)
    quiet = new_axes((2, 3), own_window=False)
    assert quiet.figure not in map(plt.figure, plt.get_fignums())
    save(quiet, None)
    save(quiet, tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 1000


@pytest.mark.parametrize("own_window", [False, True])
def test_without_matplotlib(monkeypatch, own_window):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r"graphembed-engine\[viz\]"):
        new_axes((2, 2), own_window=own_window)
