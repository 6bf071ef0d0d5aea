"""Scaling of distances into hyperbolic space, beside the same into Euclidean space."""

from contenders.closed_form import classical_mds, ours
from harness.contender import Contender, Row

from rows.hyperbolic_trees import embedded

HMDS = ("HyperbolicMDS", "hmds")


def contenders(n_components: int) -> tuple[Contender, ...]:
    """Return what scales to as many components."""
    return (
        ours("h-MDS", *HMDS, n_components=n_components, reference=True),
        ours("h-MDS, 100 landmarks", *HMDS, n_components=n_components, n_landmarks=100),
        Contender(
            "classical MDS, Euclidean",
            classical_mds,
            ("scipy.linalg", "scipy.sparse.csgraph", "scipy.spatial.distance"),
            ("scipy", "numpy"),
            {"n_components": n_components},
            same_work=False,
        ),
    )


def rows() -> list[Row]:
    """Return the rows of this file."""
    sets = {
        "hmds-diseases": ("diseases, 516 nodes", "sala_diseases"),
        "hmds-yeast": ("proteins of yeast, 1,458 nodes", "sala_yeast_protein"),
    }
    return [
        Row(
            name,
            f"{title}, distances in 10 dimensions: MAP of neighbours, average distortion",
            embedded(name, dataset, contenders(10)),
        )
        for name, (title, dataset) in sets.items()
    ]
