"""Lorentz embeddings: hierarchies on the hyperboloid, in few dimensions."""

from typing import Any

from graphembed.hyperbolic.base import HyperbolicEmbedder


class LorentzEmbedding(HyperbolicEmbedder):
    r"""Points of hyperbolic space, handed out in Lorentz coordinates.

    Hyperbolic space has room for trees: what a node has below it grows exponentially, and so does
    the space around a point. Of each node u, its neighbour v is told from negatives by distance,

    .. math:: -\log \frac{e^{-d(u, v) / t}}{e^{-d(u, v) / t} + \sum_n e^{-d(u, n) / t}}, \qquad
        d(x, y) = \operatorname{arcosh}(x_0 y_0 - x \cdot y), \quad x_0 = \sqrt{1 + |x|^2}

    by Riemannian SGD. Only the spatial part x is stored, and every vector is one: points can
    neither leave the space nor lose digits at its edge. Few columns (2 to 20) are what this is
    for; with many, Euclidean space does as well.

    Parameters
    ----------
    n_components : int, default=10
        Columns of the embedding: the dimension of the space.
    coordinates : {"poincare", "lorentz", "tangent"}, default="lorentz"
        Of ``embedding_``: points of the ball; spatial Lorentz coordinates; or tangents at the
        origin, which are what linear models and trees can read.
    loss : {"softmax", "fermi_dirac", "triplet", "distortion"}, default="softmax"
        ``"softmax"`` is the one above, for hierarchies. ``"fermi_dirac"`` is binary cross entropy
        of :math:`1 / (e^{(d - 2) / t} + 1)`, ``"triplet"`` the hinge of
        :math:`d(u, v) - d(u, n)`. ``"distortion"`` fits distances to hops in the graph.
    temperature : "auto" or float, default="auto"
        The t of the first two losses: the smaller, the more the nearest negatives count. ``"auto"``
        is 1/4, but 1, 1/2 and 1/3 in 2, 3 and 4 dimensions, which have less room.
    n_negatives : int, default=50
        Negatives of each edge; none is a neighbour.
    n_epochs : int, default=100
        Passes over the edges; in each, an undirected edge is trained from both of its ends.
    learning_rate : "auto" or float, default="auto"
        How far the first step may move a point, at most; it falls linearly. ``"auto"`` compares
        three on 5 % of the edges.
    burn_in : int, default=10
        First epochs, with a tenth of the rate and negatives drawn by degree.
    init : {"auto", "uniform", "tree", "partition"} or array-like, default="auto"
        First places. ``"uniform"`` draws points close to the origin; ``"tree"`` lays out a
        spanning tree; ``"auto"`` does that for a directed graph without cycles and for the
        distortion loss, or else ``"uniform"``; ``"partition"`` trains the graph of the parts of a
        partition first; an array of shape (n_nodes, n_components) warm-starts, in ``coordinates``.
    n_jobs : int or None, default=-1
        Threads; -1 means all cores.
    random_state : int, SeedSequence, Generator, RandomState or None, default=None
        ``None`` trains lock-free, which differs from run to run. Anything else gives the same bits
        for every ``n_jobs``.

    Attributes
    ----------
    embedding_ : ndarray of shape (n_nodes, n_components), float64
        Points in ``coordinates``.
    lorentz_ : ndarray of shape (n_nodes, n_components), float64
        Spatial Lorentz coordinates, from which everything else is computed; :meth:`to_hyperboloid`
        puts the time before them.
    scale_ : float
        Distance of a hop, learned by the distortion loss; 1 for the others.
    learning_rate_ : float
        The learning rate that was used.
    loss_curve_ : list of float
        Mean loss of an edge in each epoch.
    row_keys_ : ndarray of shape (n_nodes,), uint64
        Hash of each node's row of the adjacency, by which ``transform`` recognises it.
    node_index_ : NodeIndex
        Maps node ids to rows.
    n_features_in_ : int
        Number of nodes seen in fit.

    Raises
    ------
    ValueError
        If a parameter is out of range, or a weight of an edge is negative.

    Notes
    -----
    In a directed graph an edge u -> v says that u is a v: v is a positive of u. The transitive
    closure of a hierarchy places general nodes near the origin; :meth:`norm` is a depth, and
    :meth:`parents`, :meth:`children`, :meth:`ancestors`, :meth:`is_a_score` and
    :meth:`neighbors` read the hierarchy off the places. Edges are trained in proportion to their
    weights.

    ``transform`` starts a new node in the direction of the Lorentz centroid of its fitted
    neighbours, a little deeper than the deepest of them, and takes 100 steps of the same loss that
    move the new node alone. A row that equals a fitted node's row gets that node's place.

    References
    ----------
    Nickel and Kiela (2017), Poincaré embeddings for learning hierarchical representations, NeurIPS.

    Nickel and Kiela (2018), Learning continuous hierarchies in the Lorentz model of hyperbolic
    geometry, ICML.

    Bécigneul and Ganea (2019), Riemannian adaptive optimization methods, ICLR.

    Bansal and Benton (2021), Comparing Euclidean and hyperbolic embeddings on the WordNet nouns
    hypernymy graph, Insights from Negative Results in NLP.

    Examples
    --------
    >>> import graphembed as ge
    >>> from graphembed.embedders.lorentz import LorentzEmbedding
    >>> pairs = [("poodle", "dog"), ("dog", "animal"), ("poodle", "animal"), ("cat", "animal")]
    >>> graph = ge.Graph.from_edges(*zip(*pairs), directed=True)
    >>> model = LorentzEmbedding(n_components=2, random_state=0).fit(graph)
    >>> model.embedding_.shape
    (4, 2)
    """

    def __init__(
        self,
        n_components: int = 10,
        *,
        coordinates: str = "lorentz",
        loss: str = "softmax",
        temperature: Any = "auto",
        n_negatives: int = 50,
        n_epochs: int = 100,
        learning_rate: Any = "auto",
        burn_in: int = 10,
        init: Any = "auto",
        n_jobs: int | None = -1,
        random_state: Any = None,
    ) -> None:
        self.n_components = n_components
        self.coordinates = coordinates
        self.loss = loss
        self.temperature = temperature
        self.n_negatives = n_negatives
        self.n_epochs = n_epochs
        self.learning_rate = learning_rate
        self.burn_in = burn_in
        self.init = init
        self.n_jobs = n_jobs
        self.random_state = random_state
