"""Node2Vec end to end: time and quality."""

from contenders.skipgram import both_modes, fastnode2vec, gensim
from harness.contender import Row

from rows.deepwalk import PEERS, classified

RETURN, IN_OUT = 0.25, 4.0
CONTENDERS = (
    *both_modes("Node2Vec", p=RETURN, q=IN_OUT),
    gensim("PecanPy SparseOTF + gensim", "SparseOTF", p=RETURN, q=IN_OUT),
    fastnode2vec("fastnode2vec", p=RETURN, q=IN_OUT),
)


def rows() -> list[Row]:
    """Return the rows of this file."""
    title = (
        f"BlogCatalog, 10,312 nodes, as deepwalk-blogcatalog, p={RETURN}, q={IN_OUT}: "
        "Node2Vec from graph to vectors, and node classification"
    )
    return [Row("node2vec-blogcatalog", title, classified("blogcatalog", CONTENDERS), PEERS)]
