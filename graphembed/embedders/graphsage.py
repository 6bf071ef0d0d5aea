"""GraphSAGE: a network that makes a node's vector of its features and its neighbours'."""

from collections.abc import Callable
from numbers import Integral, Real
from os import PathLike
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from graphembed.base import Embedding
from graphembed.engine import effective_n_jobs
from graphembed.engine.device import check_device
from graphembed.graph.graph import Graph
from graphembed.message_passing.assembly import PAIR_OBJECTIVES, Plan, make_run
from graphembed.message_passing.base import SUPERVISED, NetworkEmbedder
from graphembed.message_passing.block import DIRECTIONS
from graphembed.message_passing.checkpoint import begun_seed, claimed_folder
from graphembed.message_passing.collapse import warn_of_collapse
from graphembed.message_passing.features import FeatureEncoder
from graphembed.message_passing.network import Architecture
from graphembed.message_passing.new_nodes import FittedGraph
from graphembed.message_passing.sampler import check_fanout
from graphembed.message_passing.targets import Targets
from graphembed.random_state import check_random_state, draw_key
from graphembed.training.folding import graph_keys

CONVOLUTIONS = {"sage", "gcn", "gat", "gin"}
AGGREGATORS = {"mean", "max", "gcn", "sum"}
OBJECTIVES = {*PAIR_OBJECTIVES, "dgi", SUPERVISED}
DEFAULT_FANOUT = (25, 10)
REMEDY = "Lower learning_rate or n_layers, pass features='both', or try another objective."


class GraphSAGE(NetworkEmbedder):
    r"""A network that makes a node's vector of its own features and of its neighbours'.

    .. math:: h_i^{(l)} = \mathrm{ReLU}\left(W_1^{(l)} h_i^{(l-1)} + W_2^{(l)} \,
        \mathrm{mean}_{j \in N(i)} \, h_j^{(l-1)}\right)

    where :math:`h^{(0)}` are features and the last layer has no ReLU. What is learned are the
    weights, not the vectors: the fitted network embeds any graph that has the same features.

    Parameters
    ----------
    n_components : int, default=128
        Columns of the embedding.
    n_layers : int, default=2
        How many hops a node hears.
    hidden : int, default=256
        Columns between layers.
    conv : {"sage", "gcn", "gat", "gin"}, default="sage"
        The layer: the one above, that of graph convolutional networks, graph attention, or graph
        isomorphism networks.
    aggregator : {"mean", "max", "gcn", "sum"}, default="mean"
        What ``conv="sage"`` makes of the neighbours. ``"gcn"`` is a mean that includes the node.
    fanout : sequence of int, default=(25, 10)
        In training on samples: the most neighbours of a node in each hop, its own first; -1 or
        None for all. The default goes on with 10 for each further layer.
    objective : {"walk", "edge", "dgi", "supervised"}, default="walk"
        What the network is trained for. ``"walk"``: nodes of one short random walk are near each
        other; ``"edge"``: the ends of an edge are; ``"dgi"``: vectors tell a graph from the same
        with shuffled features; ``"supervised"``: the labels given to :meth:`fit`.
    features : {"auto", "graph", "structure", "both"}, default="auto"
        Those of the graph, structural ones (degree, core number, clustering coefficient, return
        probabilities of walks), or both; ``"auto"`` takes the graph's if it has any.
    scaling : {"auto", "rows", "standard"} or None, default="auto"
        Of the graph's features: divided by their row's sum, or standardised. ``"auto"`` does the
        first if none is negative.
    direction : {"both", "in", "out"}, default="both"
        Whom a node of a directed graph hears: all it has an edge with, those with an edge to it,
        or those it has an edge to.
    n_epochs : int or "auto", default="auto"
        Passes over the pairs or nodes; ``"auto"`` is 200 on the whole graph, 10 on samples.
    batch_size : int, default=512
        Pairs, or nodes, of a step on samples.
    learning_rate : float, default=0.01
        Of Adam.
    weight_decay : float, default=0.0005
        Adds so much of each weight to its gradient.
    dropout : float, default=0.5
        Share of the inputs of each layer that is left out in training.
    activation : {"auto", "relu", "prelu", "elu"}, default="auto"
        Between layers; ``"auto"`` is PReLU for ``"dgi"``, else ReLU.
    loss : {"bce", "infonce"}, default="infonce"
        Of pairs: binary cross entropy, or the cross entropy of choosing among negatives.
    similarity : {"cosine", "dot"}, default="cosine"
        Of pairs. Cosines are divided by a temperature, which is learned.
    temperature : float, default=0.2
        The first temperature.
    n_negatives : int, default=256
        Shared by all pairs of a step, drawn by degree to the power of 3/4.
    walk_length : int, default=6
        Nodes of a walk; its first is paired with each of the others.
    n_walks : int, default=1
        From each node, in each epoch.
    target_fraction : float, default=0.5
        In training on the whole graph: share of the walks, or edges, that an epoch asks for.
    exclude_targets : bool, default=True
        Whether nobody hears along the edges that a step asks for: a pair that hears each other
        need not be guessed.
    validation_fraction : float or None, default=0.05
        Share of the edges, or of the labelled nodes, that is held out to tell when to stop; of a
        small graph nothing is.
    patience : int or None, default=50
        Training stops after so many epochs without a better evaluation, of which there is one
        every fifth epoch for pairs on the whole graph, else every epoch; the best weights are kept
        in any case, of equally good ones the last. None never stops early.
    batching : {"auto", "full", "sampled"}, default="auto"
        Whether a step is on the whole graph or on samples; ``"auto"`` by the graph's size.
    callbacks : callable or list of callables, default=None
        Each is called after every epoch with an object that has ``epoch``, ``n_epochs``, ``loss``
        and ``score`` (None where nothing was evaluated).
    workdir : path-like or None, default=None
        Folder in which training keeps a checkpoint, so that it can be killed and go on.
    resume : bool, default=False
        Go on with the run in ``workdir``, if there is one. The result has the same bits as if it
        had never been interrupted.
    device : str, default="cpu"
        Where to train: ``"cpu"`` or ``"cuda"``, which uses bfloat16 where it can.
    n_jobs : int or None, default=-1
        Threads; -1 means all cores. The result does not depend on it.
    random_state : int, SeedSequence, Generator, RandomState or None, default=None
        An int gives the same bits every time, on one kind of device.

    Attributes
    ----------
    embedding_ : ndarray of shape (n_nodes, n_components), float32
        The nodes of the fitted graph, each heard along all of its edges: nothing is sampled.
    weights_ : dict of str to ndarray
        Of the network.
    classes_ : ndarray of shape (n_classes,)
        Labels, or the numbers of the columns of ``y``. Supervised only.
    loss_curve_ : list of float
        Mean loss of each epoch.
    scores_ : list of (int, float)
        Number of epochs and score on what was held out, at each evaluation.
    n_iter_ : int
        Epochs after which the weights are those kept.
    graph_ : Graph
        The fitted graph, beside which ``transform`` places the rows of a block.
    node_index_ : NodeIndex
        Maps node ids to rows.
    n_features_in_ : int
        Number of nodes seen in fit.

    Raises
    ------
    ValueError
        If a parameter is out of range, ``fanout`` has fewer numbers than there are layers, torch
        cannot compute on ``device``, the graph has no features and is to have some, a weight of an
        edge is negative, or labels are missing or of no use.
    DivergedError
        If the loss is not finite.
    StoreError
        If ``workdir`` holds a run that this cannot go on with, is in use by another fit, or cannot
        be written.

    Notes
    -----
    ``transform`` of a graph computes every row from that graph, those of fitted nodes too: exactly,
    over all neighbours. Of a block, a row that equals a fitted node's row gets that node's vector;
    any other is a new node, which hears the fitted nodes without their hearing it. As a block has
    no features, a new node is given the mean of its fitted neighbours' features, or structural
    ones.

    A list of graphs is trained on side by side, without edges between them; ``embedding_`` has the
    rows of the first graph first.

    References
    ----------
    Hamilton, Ying and Leskovec (2017), Inductive Representation Learning on Large Graphs, NIPS.

    Veličković, Fedus, Hamilton, Liò, Bengio and Hjelm (2019), Deep Graph Infomax, ICLR.

    Examples
    --------
    >>> import graphembed as ge
    >>> graph = ge.datasets.load("karate").graph
    >>> model = ge.GraphSAGE(n_components=16, random_state=0).fit(graph)
    >>> model.embedding_.shape
    (34, 16)
    >>> unseen = ge.Graph.from_edges(["ann", "bob", "cat"], ["bob", "cat", "dan"])
    >>> model.transform(unseen).shape
    (4, 16)
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "n_layers": [Interval(Integral, 1, None, closed="left")],
        "hidden": [Interval(Integral, 1, None, closed="left")],
        "conv": [StrOptions(CONVOLUTIONS)],
        "aggregator": [StrOptions(AGGREGATORS)],
        "fanout": [tuple, list, np.ndarray],
        "objective": [StrOptions(OBJECTIVES)],
        "features": [StrOptions({"auto", "graph", "structure", "both"})],
        "scaling": [StrOptions({"auto", "rows", "standard"}), None],
        "direction": [StrOptions(set(DIRECTIONS))],
        "n_epochs": [StrOptions({"auto"}), Interval(Integral, 0, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "activation": [StrOptions({"auto", "relu", "prelu", "elu"})],
        "loss": [StrOptions({"bce", "infonce"})],
        "similarity": [StrOptions({"cosine", "dot"})],
        "temperature": [Interval(Real, 0, None, closed="neither")],
        "n_negatives": [Interval(Integral, 1, None, closed="left")],
        "walk_length": [Interval(Integral, 2, None, closed="left")],
        "n_walks": [Interval(Integral, 1, None, closed="left")],
        "target_fraction": [Interval(Real, 0, 1, closed="right")],
        "exclude_targets": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="left"), None],
        "patience": [Interval(Integral, 1, None, closed="left"), None],
        "batching": [StrOptions({"auto", "full", "sampled"})],
        "callbacks": [callable, list, tuple, None],
        "workdir": [str, PathLike, None],
        "resume": ["boolean"],
        "device": [str],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        n_components: int = 128,
        *,
        n_layers: int = 2,
        hidden: int = 256,
        conv: str = "sage",
        aggregator: str = "mean",
        fanout: Any = DEFAULT_FANOUT,
        objective: str = "walk",
        features: str = "auto",
        scaling: str | None = "auto",
        direction: str = "both",
        n_epochs: int | str = "auto",
        batch_size: int = 512,
        learning_rate: float = 0.01,
        weight_decay: float = 0.0005,
        dropout: float = 0.5,
        activation: str = "auto",
        loss: str = "infonce",
        similarity: str = "cosine",
        temperature: float = 0.2,
        n_negatives: int = 256,
        walk_length: int = 6,
        n_walks: int = 1,
        target_fraction: float = 0.5,
        exclude_targets: bool = True,
        validation_fraction: float | None = 0.05,
        patience: int | None = 50,
        batching: str = "auto",
        callbacks: Any = None,
        workdir: Any = None,
        resume: bool = False,
        device: str = "cpu",
        n_jobs: int | None = -1,
        random_state: Any = None,
    ) -> None:
        self.n_components = n_components
        self.n_layers = n_layers
        self.hidden = hidden
        self.conv = conv
        self.aggregator = aggregator
        self.fanout = fanout
        self.objective = objective
        self.features = features
        self.scaling = scaling
        self.direction = direction
        self.n_epochs = n_epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.dropout = dropout
        self.activation = activation
        self.loss = loss
        self.similarity = similarity
        self.temperature = temperature
        self.n_negatives = n_negatives
        self.walk_length = walk_length
        self.n_walks = n_walks
        self.target_fraction = target_fraction
        self.exclude_targets = exclude_targets
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.batching = batching
        self.callbacks = callbacks
        self.workdir = workdir
        self.resume = resume
        self.device = device
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None, *, y_val: Any = None) -> Self:
        """Train the network on a graph, or on several, and embed it.

        Parameters
        ----------
        X : Graph, list of Graph, or array-like or sparse matrix of shape (n_nodes, n_nodes)
            A matrix has no features; structural ones are used.
        y : array-like of shape (n_nodes,) or (n_nodes, n_labels), default=None
            Read by ``objective="supervised"`` alone. Classes of the nodes, in row order: ints or
            strings; -1, NaN or None says that a node's is not known. Or any number of labels each,
            as 0 and 1; a row of -1 or NaN says that they are not known. For several graphs a list
            of such arrays.
        y_val : array-like, default=None
            As ``y``: labels of other nodes, which are not trained on and tell when to stop. By
            default a share of the labelled nodes is held out for that; see
            ``validation_fraction``.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            As said above.

        Notes
        -----
        Of several graphs that share ids, those of the whole are ``0 .. n - 1``, in row order.
        """
        self._validate_params()
        graph, targets, validation = self._joined(X, y, y_val)
        self._embed(graph, check_random_state(self.random_state), targets, validation)
        return self

    def fit_transform(self, X: Any, y: Any = None, **fit_params: Any) -> Embedding:
        """Train the network and return ``embedding_``; see :meth:`fit`.

        Parameters
        ----------
        X : Graph, list of Graph, or array-like or sparse matrix of shape (n_nodes, n_nodes)
        y : array-like, default=None
        **fit_params : dict
            ``y_val``, as in :meth:`fit`.

        Returns
        -------
        ndarray of shape (n_nodes, n_components), float32
        """
        return self.fit(X, y, **fit_params).embedding_

    def _joined(self, X: Any, y: Any, y_val: Any) -> tuple[Graph, Targets | None, Targets | None]:
        """Return one graph of all that is given, and its labels if they are to be learned."""
        if isinstance(X, list | tuple) and X and all(isinstance(each, Graph) for each in X):
            from graphembed.message_passing.union import training_union

            graphs = [self._as_graph(each) for each in X]
            graph = self._as_graph(training_union(graphs))
        else:
            graph = self._as_graph(X)
            graphs, y = [graph], [y]
            y_val = None if y_val is None else [y_val]
        if self.objective != SUPERVISED:
            return graph, None, None
        if self.n_layers < 2:
            raise ValueError(
                "objective='supervised' needs n_layers of at least 2: the last layer tells the "
                "classes, and the vectors are what comes before it."
            )
        targets = Targets.parse_all(graphs, [None] * len(graphs) if y is None else y)
        if y_val is None:
            return graph, targets, None
        validation = Targets.parse_all(graphs, y_val, classes=targets.classes_, name="y_val")
        validation.check_kind(targets.kind)
        both = np.count_nonzero(targets.mask & validation.mask)
        if both:
            raise ValueError(
                f"{both} nodes have labels in y and in y_val; a node is either trained on or "
                "validated with. Set them to -1 in one of the two."
            )
        return graph, targets, validation

    def _embed(
        self, graph: Graph, rng: np.random.Generator, targets: Targets | None = None,
        validation: Targets | None = None,
    ) -> Embedding:  # fmt: skip
        # All that can be wrong is found before features are computed, which takes its time.
        check_device(self.device)
        seed, callbacks = draw_key(rng), self._callbacks()
        self._fanout()
        with claimed_folder(self, self.workdir, resume=self.resume) as folder:
            if folder is not None and self.resume and self.random_state is None:
                begun = begun_seed(folder)
                seed = seed if begun is None else begun
            self._train(graph, seed, targets, validation, folder, callbacks)
        if self.objective != SUPERVISED:
            warn_of_collapse(self.embedding_, seed, REMEDY)
        return self.embedding_

    def _train(
        self, graph: Graph, seed: int, targets: Targets | None, validation: Targets | None,
        folder: Path | None, callbacks: list[Callable[..., Any]],
    ) -> None:  # fmt: skip
        encoder = FeatureEncoder(self.features, scaling=self.scaling, n_jobs=self.n_jobs)
        features = encoder.fit_transform(graph)
        architecture = self._architecture(features.shape[1], targets)
        run = make_run(
            self._plan(seed), graph, features, architecture, targets, validation,
            workdir=folder, resume=self.resume, callbacks=callbacks,
            n_jobs=effective_n_jobs(self.n_jobs),  # asked once: the system takes its time
        )  # fmt: skip

        def learn() -> None:
            self.features_, self.architecture_ = encoder.get_state(), architecture
            self.weights_, self.loss_curve_ = run.weights(), run.losses
            self.scores_, self.n_iter_ = run.scores, run.best_epoch
            self.graph_, self.node_index_ = graph, graph.node_index
            self.row_keys_ = graph_keys(graph, self.n_jobs)
            if targets is not None:
                self.classes_ = targets.classes_
            elif hasattr(self, "classes_"):  # of an earlier fit
                del self.classes_
            self._vectors, self._made = None, None
            self._fitted_graph = FittedGraph(
                graph, architecture["direction"], encoder, self.row_keys_, features
            )
            self.embedding_ = self._inferred(graph, features)

        try:
            run.train("GraphSAGE")
        except KeyboardInterrupt:
            learn()
            raise
        learn()
        run.discard()

    def _plan(self, seed: int) -> Plan:
        return Plan(
            objective=self.objective, batching=self.batching, fanout=self._fanout(),
            n_epochs=self.n_epochs, batch_size=self.batch_size, learning_rate=self.learning_rate,
            weight_decay=self.weight_decay, n_negatives=self.n_negatives,
            walk_length=self.walk_length, n_walks=self.n_walks,
            target_fraction=self.target_fraction, exclude_targets=self.exclude_targets,
            validation_fraction=self.validation_fraction or 0.0, patience=self.patience,
            device=self.device, seed=seed,
        )  # fmt: skip

    def _fanout(self) -> tuple[int, ...]:
        fanout = check_fanout(self.fanout)
        if fanout == DEFAULT_FANOUT:
            fanout += fanout[-1:] * (self.n_layers - len(fanout))
        if len(fanout) < self.n_layers:
            raise ValueError(
                f"fanout={self.fanout!r} has {len(fanout)} numbers for {self.n_layers} layers; "
                "give one for each."
            )
        return fanout

    def _architecture(self, n_features: int, targets: Targets | None) -> Architecture:
        infomax, supervised = self.objective == "dgi", self.objective == SUPERVISED
        activation = self.activation
        if activation == "auto":
            activation = "prelu" if infomax else "relu"
        return Architecture(
            n_features=n_features, hidden=self.hidden, n_components=self.n_components,
            n_layers=self.n_layers, direction=self.direction, conv=self.conv,
            aggregator=self.aggregator, activation=activation,
            activate_output=infomax or supervised, dropout=float(self.dropout),
            objective=self.objective, similarity=self.similarity, loss=self.loss,
            temperature=float(self.temperature),
            n_classes=0 if targets is None else len(targets.classes_),
            multilabel=targets is not None and targets.kind == "multilabel",
        )  # fmt: skip

    def _callbacks(self) -> list[Callable[..., Any]]:
        given = self.callbacks
        if given is None:
            return []
        callbacks = [given] if callable(given) else list(given)
        if not all(callable(callback) for callback in callbacks):
            raise ValueError("callbacks must be a callable or a list of callables.")
        return callbacks
