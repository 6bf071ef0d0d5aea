"""New axes and saved files; matplotlib is imported here, and only when something is drawn."""

import os
from typing import Any


def new_axes(size: tuple[float, float], *, own_window: bool) -> Any:
    """Return axes of a new figure: in a window or a notebook, or only to be saved.

    Parameters
    ----------
    size : (float, float)
        Width and height, in inches.
    own_window : bool
        Let pyplot know the figure, so that ``matplotlib.pyplot.show`` shows it.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    """
    try:
        if own_window:
            import matplotlib.pyplot as plt

            return plt.figure(figsize=size, layout="constrained").add_subplot()
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            "Pictures need matplotlib, which is not installed. It comes with the extra [viz]: "
            "pip install 'graphembed-engine[viz]'"
        ) from error
    return Figure(figsize=size, layout="constrained").add_subplot()


def save(ax: Any, path: str | os.PathLike[str] | None) -> None:
    """Save the figure of some axes, if a file is named."""
    if path is not None:
        ax.figure.savefig(path, dpi=150)
