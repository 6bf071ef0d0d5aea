"""Training on triples with a few negatives of each triple's own, as the first papers did.

Two ways lead through an epoch:

- *lock-free*: threads train one triple after the other on shared tables. Fastest; not reproducible.
- *in batches*: the gradients of a batch are taken at the values it began with and summed row by
  row in a fixed order, and each row is updated once. The same bits at any number of threads.

TransE with the margin loss has kernels of its own for both
(:mod:`graphembed.knowledge.individual_transe`). Every other formula and loss is trained in batches
(:mod:`graphembed.knowledge.individual_pairs`).
"""

import numpy as np

from graphembed.knowledge.formula import Formula, Rows
from graphembed.knowledge.individual_pairs import PairSteps
from graphembed.knowledge.individual_transe import METHODS, DeviceSteps, TransESteps
from graphembed.knowledge.individual_triples import Epoch, Ids, TriplesToTrain
from graphembed.knowledge.known_triples import KnownTriples
from graphembed.knowledge.optimizers import OPTIMIZERS, make_optimizer
from graphembed.knowledge.tables import RowTable
from graphembed.knowledge.trainer import TripleSettings
from graphembed.knowledge.transe import TransEFormula
from graphembed.training.tiles import derive_key

NEGATIVES = ("bernoulli", "uniform")
# Numbers that keys are derived with; the first two are those of the other trainer.
_ENTITIES, _RELATIONS, _NEGATIVES, _ORDER = 1, 2, 5, 6


class IndividualTrainer:
    r"""The two tables of a model, and epochs with negatives drawn for each triple alone.

    A triple's loss is that of its score against the scores of its negatives, which replace the
    head or the tail. With the margin loss and K negatives it is

    .. math:: \frac{1}{K} \sum_k \max(0, \gamma - f(h, r, t) + f(h'_k, r, t'_k))

    and a batch is trained on the mean of its triples. A row that no loss pulls at rests.

    Parameters
    ----------
    formula : Formula
    settings : TripleSettings
        As of :class:`graphembed.knowledge.trainer.TripleTrainer`, but that ``n_negatives`` counts
        those of one triple, and ``optimizer`` may also be "sgd" if ``fused``. With ``reciprocal``,
        an epoch trains each triple and its inverse, and replaces only tails.
    n_entities, n_relations : int
    key : int
        All randomness comes from it.
    negatives : {"bernoulli", "uniform"}, default="bernoulli"
        How it is decided which side of a triple is replaced; see
        :func:`graphembed.knowledge.negatives.bernoulli_chances`.
    known : KnownTriples, optional
        True triples, for ``filter_negatives``.
    reproducible : bool, default=True
        Whether to train in batches. Without it TransE is trained lock-free, unless by Adam.
    unit_entities : bool, default=False
        Whether each entity is divided by its length whenever it was updated.
    device : str, default="cpu"
        Where the kernels of TransE run: on the CPU, or by torch on a GPU such as "cuda", in
        batches. Everything else runs on the CPU.
    n_jobs : int or None, default=-1
        In batches the result does not depend on it.

    Attributes
    ----------
    entities, relations : ndarray, float32
        The tables. With reciprocal relations, row ``n_relations + r`` is the inverse of r.
    fused : bool
        Whether the kernels of TransE are used: with its formula, the margin loss, any optimiser
        but "dense_adam", and neither a regularizer nor filtered negatives.

    Raises
    ------
    ValueError
        If a setting is unknown or does not go with the formula.

    References
    ----------
    Bordes et al. (2013), Translating Embeddings for Modeling Multi-relational Data, NIPS; Anik and
    Azad (2025), SparseTransX: Efficient Training of Translation-Based Knowledge Graph Embeddings
    Using Sparse Matrix Operations, MLSys.

    Examples
    --------
    >>> import numpy as np
    >>> from graphembed.knowledge.individual import IndividualTrainer
    >>> from graphembed.knowledge.trainer import TripleSettings
    >>> from graphembed.knowledge.transe import TransEFormula
    >>> triples = np.array([[0, 0, 1], [1, 0, 2], [2, 0, 3], [0, 1, 2], [1, 1, 3]])
    >>> settings = TripleSettings(loss="margin", n_negatives=2, reciprocal=False)
    >>> trainer = IndividualTrainer(TransEFormula(8), settings, 4, 2, key=0, n_jobs=1)
    >>> losses = [trainer.train_epoch(triples, epoch) for epoch in range(20)]
    >>> losses[-1] < losses[0]
    True
    """

    def __init__(
        self,
        formula: Formula,
        settings: TripleSettings,
        n_entities: int,
        n_relations: int,
        *,
        key: int,
        negatives: str = "bernoulli",
        known: KnownTriples | None = None,
        reproducible: bool = True,
        unit_entities: bool = False,
        device: str = "cpu",
        n_jobs: int | None = -1,
    ) -> None:
        if negatives not in NEGATIVES:
            raise ValueError(f"Unknown negatives {negatives!r} (known: {', '.join(NEGATIVES)}).")
        if not settings.n_negatives or settings.n_negatives < 1:
            raise ValueError(
                "Negatives of each triple's own need n_negatives, an int in the range [1, inf). "
                f"Got {settings.n_negatives!r} instead."
            )
        if n_entities < 2:
            raise ValueError(f"Replacing an entity takes at least 2 of them; got {n_entities}.")
        self.formula, self.settings, self.key, self.n_jobs = formula, settings, key, n_jobs
        self.n_relations, self.negatives = n_relations, negatives
        known = known if settings.filter_negatives else None
        self.fused = (
            type(formula) is TransEFormula  # a subclass may have constraints of its own
            and settings.loss == "margin"
            and settings.regularizer is None
            and known is None
            and settings.optimizer in METHODS
        )
        if not self.fused and settings.optimizer not in OPTIMIZERS:
            raise ValueError(
                f"Unknown optimizer {settings.optimizer!r} (known: {', '.join(OPTIMIZERS)})."
            )
        rows = np.arange(n_entities)
        start = formula.initial_entities(rows, int(derive_key(key, _ENTITIES)))
        self.entity_table = self._table(start)
        rows = np.arange(n_relations * (2 if settings.reciprocal else 1))
        start = formula.initial_relations(rows, int(derive_key(key, _RELATIONS)))
        self.relation_table = self._table(start)
        tables = self.entity_table, self.relation_table
        self._steps: TransESteps | DeviceSteps | PairSteps
        if self.fused and device != "cpu":
            self._steps = DeviceSteps(
                formula, settings, *tables, unit_entities=unit_entities, device=device
            )
        elif self.fused:
            lock_free = not reproducible and settings.optimizer != "adam"
            self._steps = TransESteps(
                formula, settings, *tables, lock_free=lock_free, unit_entities=unit_entities,
                n_jobs=n_jobs,
            )  # fmt: skip
        else:
            self._steps = PairSteps(
                formula, settings, *tables, known=known, unit_entities=unit_entities, n_jobs=n_jobs
            )
        self._triples: TriplesToTrain | None = None

    def _table(self, values: Rows) -> RowTable:
        if self.settings.optimizer not in OPTIMIZERS:  # SGD remembers nothing
            return RowTable(values, np.empty((len(values), 0), dtype=np.float32))
        optimizer = make_optimizer(self.settings.optimizer)
        return RowTable(values, optimizer.initial_state(*values.shape))

    @property
    def entities(self) -> Rows:
        """The table of entities."""
        return self.entity_table.values

    @property
    def relations(self) -> Rows:
        """The table of relations."""
        return self.relation_table.values

    def train_epoch(self, triples: Ids, epoch: int) -> float:
        """Train on every triple once, in an order of the epoch's own.

        Parameters
        ----------
        triples : ndarray of shape (n, 3), int
            Rows of heads, relations and tails. What is made of them is kept for the next epoch, if
            that is given the same array.
        epoch : int
            From 0.

        Returns
        -------
        float
            Mean loss of a triple, or of a triple and its inverse.

        Raises
        ------
        FloatingPointError
            If training diverged.
        """
        from graphembed.kernels.triple_steps import shuffle

        if self._triples is None or self._triples.source is not triples:
            self._triples = TriplesToTrain.make(
                triples, len(self.entities), self.n_relations, self.negatives,
                reciprocal=self.settings.reciprocal,
            )  # fmt: skip
        n = len(self._triples.rows)
        if not n:
            return 0.0
        order = np.empty(n, dtype=np.int64)
        shuffle(np.uint64(derive_key(self.key, _ORDER, epoch)), order)
        key = np.uint64(derive_key(self.key, _NEGATIVES, epoch))
        loss = self._steps.train(Epoch(self._triples, order, key, epoch, self.settings.rate))
        if not np.isfinite(loss):
            raise FloatingPointError(
                f"Training diverged: the loss of epoch {epoch} is not finite. Lower the learning "
                f"rate (it is {self.settings.learning_rate:.3g})."
            )
        return loss / n
