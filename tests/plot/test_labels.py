import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from graphembed.plot.labels import write_labels


def test_the_first_names_are_written_and_none_on_another():
    figure = Figure(figsize=(4, 4))
    FigureCanvasAgg(figure)
    ax = figure.add_subplot()
    ax.set(xlim=(0, 1), ylim=(0, 1))
    points = np.random.default_rng(0).random((150, 2))
    points[0] = [0.5, 0.5]
    names = [f"node $number_{i}" for i in range(150)]
    written = write_labels(ax, points, names)
    assert 10 < len(written) < 100
    assert written[0].get_text() == names[0]
    assert set(ax.texts) == set(written)
    boxes = [text.get_window_extent() for text in written]
    for place, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:place])
        assert ax.bbox.x0 <= box.x0 <= box.x1 <= ax.bbox.x1
