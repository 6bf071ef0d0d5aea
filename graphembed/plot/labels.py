"""Names beside points, none on another."""

from typing import Any

import numpy.typing as npt

# Where a name may stand by its point: the sides first, then above and below.
PLACES = [(6, 0, "left"), (-6, 0, "right"), (0, 8, "center"), (0, -8, "center")]
HALO = 2.5  # points of white around letters
GAP = 1.5  # pixels around a name


def write_labels(
    ax: Any, points: npt.NDArray[Any], names: list[str], *, fontsize: float = 8.0
) -> list[Any]:
    """Write names at points, those given first with preference; without room, not at all.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Its limits and position are final.
    points : ndarray of shape (n_names, 2)
        In data coordinates.
    names : list of str
    fontsize : float, default=8.0

    Returns
    -------
    list of matplotlib.text.Annotation
        Those that were written.
    """
    from matplotlib.patheffects import withStroke

    figure = ax.figure.get_figure(root=True)
    figure.draw_without_rendering()
    taken: list[Any] = []
    written = []
    for point, name in zip(points, names, strict=True):
        label = ax.annotate(
            name, point, xytext=(0, 0), textcoords="offset points", va="center", fontsize=fontsize,
            zorder=4, parse_math=False, annotation_clip=False,
            path_effects=[withStroke(linewidth=HALO, foreground="white", alpha=0.85)],
        )  # fmt: skip
        for x, y, side in PLACES:
            label.set_position((x, y))
            label.set_horizontalalignment(side)
            box = label.get_window_extent().padded(GAP)
            if (
                ax.bbox.contains(box.x0, box.y0)
                and ax.bbox.contains(box.x1, box.y1)
                and not any(box.overlaps(other) for other in taken)
            ):
                taken.append(box)
                written.append(label)
                break
        else:
            label.remove()
    return written
