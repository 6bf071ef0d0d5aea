"""DeepWalk: skip-gram on uniform random walks."""

from typing import Any

from graphembed.graph.graph import Graph
from graphembed.training.walk_embedder import WalkEmbedder
from graphembed.training.walks import WalkSampler


class DeepWalk(WalkEmbedder):
    r"""Skip-gram with negative sampling on random walks.

    Walks of ``walk_length`` nodes start ``n_walks`` times at each node, a step going to each
    neighbour with probability in proportion to the edge's weight. Nodes that stand within
    ``window`` steps of each other on a walk are pairs, and vectors :math:`u, v` maximise

    .. math:: \sum_{(x, c)} \Big[ \log \sigma(u_x \cdot v_c)
        + \sum_{n \sim \mathrm{visits}^{3/4}} \log \sigma(-u_x \cdot v_n) \Big]

    with ``n_negatives`` negatives n, shared by 8 consecutive pairs.

    Parameters
    ----------
    n_components : int, default=128
        Columns of the embedding.
    n_walks : int, default=10
        Walks from each node in an epoch.
    walk_length : int, default=80
        Nodes in a walk, the first one included.
    window : int, default=10
        Largest distance of a pair on a walk.
    n_negatives : int, default=5
        Negatives of each pair.
    n_epochs : int, default=1
        Passes; every epoch makes new walks.
    learning_rate : float, default=0.025
        It falls linearly to a ten-thousandth of this.
    subsample : float, default=0.0
        Threshold of word2vec's subsampling: visits of a node that makes up a larger share of all
        visits are left out at random. 0 keeps all.
    shrink_windows : bool, default=True
        Draw each window's size from 1 .. window, so that near nodes count more.
    walks_per_node : int, array-like of shape (n_nodes,), "core" or None, default=None
        Walks from each node where they should differ; None is ``n_walks`` for all. ``"core"``
        makes them proportional to the core number, ``n_walks`` for the innermost core (Brandeis
        et al. 2020): it buys time and can cost quality, first of all for nodes at the periphery.
    init : str or array-like of shape (n_nodes, n_components), default="uniform"
        First values of the vectors. ``"uniform"`` draws small ones; ``"partition"`` embeds the
        quotient graph of a partition first and starts each node from the vector of its part; an
        array warm-starts.
    device : str, default="cpu"
        ``"cpu"`` trains with compiled kernels. Any other name is a torch device, ``"cuda"`` say,
        which trains larger batches there while walks are made here; its vectors differ from the
        CPU's, and their bits repeat if ``torch.use_deterministic_algorithms`` is on.
    n_jobs : int or None, default=-1
        Threads; -1 means all cores.
    random_state : int, SeedSequence, Generator, RandomState or None, default=None
        ``None`` trains lock-free, which is fastest and differs from run to run. Anything else
        gives the same bits for every ``n_jobs``.

    Attributes
    ----------
    embedding_ : ndarray of shape (n_nodes, n_components), float32
        Input vectors :math:`u`: what to use for features, neighbours and similarity. A node
        without edges keeps its small random start.
    context_embedding_ : ndarray of shape (n_nodes, n_components), float32
        Output vectors :math:`v`. The product :math:`u_x \cdot v_c` says how likely c is found
        near x on a walk; use it for scores of directed pairs, and to place new nodes.
    loss_curve_ : list of float
        Mean loss of a pair after each walk from every node, estimated on one group in 64.
    visits_ : ndarray of shape (n_nodes,), float32
        Visits of each node by the first walk from every node.
    row_keys_ : ndarray of shape (n_nodes,), uint64
        Hash of each node's row of the adjacency, by which ``transform`` recognises it.
    node_index_ : NodeIndex
        Maps node ids to rows.
    n_features_in_ : int
        Number of nodes seen in fit.

    Raises
    ------
    ValueError
        If a parameter is out of range or a weight of an edge is negative.

    Notes
    -----
    Directed graphs are walked along their edges; a walk ends where no edge leads on.

    Memory: the graph and the two tables, and buffers of less than 100 MB whatever ``n_walks`` is.
    Interrupting leaves the vectors as they are at that moment.

    ``transform`` starts a new node at the weighted mean of its fitted neighbours' vectors and takes
    100 steps of the same loss that move the new node alone: its edges are the pairs, output
    vectors stay as they are. A row that equals a fitted node's row gets that node's vector.

    References
    ----------
    Perozzi, Al-Rfou and Skiena (2014), DeepWalk: Online Learning of Social Representations, KDD.

    Mikolov, Sutskever, Chen, Corrado and Dean (2013), Distributed Representations of Words and
    Phrases and their Compositionality, NIPS.

    Ji, Satish, Li and Dubey (2016), Parallelizing Word2Vec in Shared and Distributed Memory.

    Zhu, Xu, Qu and Tang (2019), GraphVite: A High-Performance CPU-GPU Hybrid System for Node
    Embedding, WWW.

    Examples
    --------
    >>> import graphembed as ge
    >>> graph = ge.datasets.load("karate").graph
    >>> model = ge.DeepWalk(n_components=16, n_walks=20, random_state=0).fit(graph)
    >>> model.embedding_.shape
    (34, 16)
    """

    def __init__(
        self,
        n_components: int = 128,
        *,
        n_walks: int = 10,
        walk_length: int = 80,
        window: int = 10,
        n_negatives: int = 5,
        n_epochs: int = 1,
        learning_rate: float = 0.025,
        subsample: float = 0.0,
        shrink_windows: bool = True,
        walks_per_node: Any = None,
        init: Any = "uniform",
        device: str = "cpu",
        n_jobs: int | None = -1,
        random_state: Any = None,
    ) -> None:
        self.n_components = n_components
        self.n_walks = n_walks
        self.walk_length = walk_length
        self.window = window
        self.n_negatives = n_negatives
        self.n_epochs = n_epochs
        self.learning_rate = learning_rate
        self.subsample = subsample
        self.shrink_windows = shrink_windows
        self.walks_per_node = walks_per_node
        self.init = init
        self.device = device
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _sampler(self, graph: Graph) -> WalkSampler:
        return WalkSampler(graph, n_jobs=self.n_jobs)
