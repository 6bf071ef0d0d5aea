"""KnowledgeEmbedder: triples in, vectors of entities and relations out, for every model."""

from abc import ABCMeta, abstractmethod
from dataclasses import KW_ONLY, dataclass, fields
from numbers import Integral, Real
from os import PathLike
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from graphembed.exceptions import GraphError, PersistenceError
from graphembed.graph.graph import Graph
from graphembed.graph.ids import NodeIndex
from graphembed.knowledge.answers import (
    HEAD,
    TAIL,
    Model,
    Side,
    best_answers,
    score_triples,
)
from graphembed.knowledge.formula import Formula
from graphembed.knowledge.growing import grow_tables
from graphembed.knowledge.known_triples import KnownTriples
from graphembed.knowledge.losses import LOSSES
from graphembed.knowledge.negatives import shared_negatives
from graphembed.knowledge.optimizers import OPTIMIZERS
from graphembed.knowledge.out_of_core import FilesRun, fit_in_files
from graphembed.knowledge.parameters import describe
from graphembed.knowledge.placing import N_NEGATIVES, Placer
from graphembed.knowledge.presets import AUTO, Presets, resolve
from graphembed.knowledge.ranks import filtered_ranks
from graphembed.knowledge.regularizers import REGULARIZERS
from graphembed.knowledge.trainer import TripleSettings, TripleTrainer
from graphembed.knowledge.training_run import TrainingRun, Validation
from graphembed.knowledge.triples import (
    Triples,
    canonical_rows,
    extend,
    holds_triples,
    index_triples,
    known_rows,
    triple_rows,
)
from graphembed.random_state import check_random_state, draw_key
from graphembed.training.tiles import derive_key
from graphembed.vectors import Neighbors, Vectors

Embedding = npt.NDArray[np.float32]
Ids = npt.NDArray[np.int64]

SHARED = "shared"
N_INDIVIDUAL = 16  # negatives of a triple's own, unless told
_PLACING_KEY = 0x51AC1  # the same for all: placing new entities is no matter of chance
_POSITIVE = Interval(Integral, 1, None, closed="left")
_AUTO = StrOptions({AUTO})


@dataclass(repr=False, eq=False)
class KnowledgeEmbedder(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator, metaclass=ABCMeta
):
    """What all models of knowledge graphs share: a scikit-learn estimator on triples.

    A concrete class is a dataclass too: its fields are its parameters, those below and its own,
    and a field that is named again has another default. It writes ``_formula``.

    Parameters
    ----------
    {common}

    Attributes
    ----------
    entity_table_ : ndarray of shape (n_entities, entity_width), float32
        All that was learned of each entity; the first ``n_components`` columns are ``embedding_``.
    relation_table_ : ndarray of shape (n_relations or twice as many, relation_width), float32
        All that was learned of each relation; with ``reciprocal``, then of their inverses.
    node_index_, relation_index_ : NodeIndex
        Maps of ids of entities and relations to rows.
    triples_ : ndarray of shape (n_triples, 3), int32
        The rows of head, relation and tail of all triples that were fitted: what is known.
    loss_curve_ : list of float
        Mean loss in each epoch.
    validation_curve_ : list of (int, float)
        The number of epochs so far and the MRR on the validation set, at each validation.
    n_iter_ : int
        Number of epochs.
    best_epoch_ : int
        The number of epochs after which the tables were kept: those of the best validation.
    n_features_in_ : int
        Always 3: head, relation, tail.
    """

    geometry: ClassVar[str] = "cosine"
    _presets: ClassVar[Presets] = {}
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "n_components": [_POSITIVE],
        "loss": [StrOptions({AUTO, *LOSSES})],
        "margin": [Interval(Real, None, None, closed="neither"), _AUTO],
        "temperature": [Interval(Real, 0, None, closed="neither")],
        "negative_weight": [Interval(Real, 0, None, closed="neither"), _AUTO],
        "n_negatives": [_POSITIVE, None, _AUTO],
        "negatives": [StrOptions({SHARED, "uniform", "bernoulli"})],
        "filter_negatives": ["boolean"],
        "reciprocal": ["boolean"],
        "regularizer": [StrOptions({AUTO, *REGULARIZERS}), None],
        "regularization": [Interval(Real, 0, None, closed="left"), _AUTO],
        "optimizer": [StrOptions({AUTO, *OPTIMIZERS})],
        "learning_rate": [Interval(Real, 0, None, closed="neither"), _AUTO],
        "warm_up": [Interval(Real, 0, None, closed="left")],
        "decay": ["boolean", _AUTO],
        "batch_size": [_POSITIVE, _AUTO],
        "n_epochs": [_POSITIVE, _AUTO],
        "validate_every": [_POSITIVE],
        "patience": [_POSITIVE, None],
        "memory_limit": [str, _POSITIVE, None],
        "workdir": [str, PathLike, None],
        "resume": ["boolean"],
        "n_jobs": [Integral, None],
    }

    n_components: int = 128
    _: KW_ONLY
    loss: str = AUTO
    margin: float | str = AUTO
    temperature: float = 1.0
    negative_weight: float | str = AUTO
    n_negatives: int | str | None = AUTO
    negatives: str = SHARED
    filter_negatives: bool = False
    reciprocal: bool = True
    regularizer: str | None = AUTO
    regularization: float | str = AUTO
    optimizer: str = AUTO
    learning_rate: float | str = AUTO
    warm_up: float = 0.0
    decay: bool | str = AUTO
    batch_size: int | str = AUTO
    n_epochs: int | str = AUTO
    validate_every: int = 5
    patience: int | None = 5
    memory_limit: int | str | None = None
    workdir: Any = None
    resume: bool = False
    n_jobs: int | None = -1
    random_state: Any = None

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        describe(cls)

    @abstractmethod
    def _formula(self) -> Formula:
        """Return the formula that the parameters ask for."""

    def fit(self, X: Any, y: Any = None, validation: Any = None) -> Self:  # noqa: ARG002
        """Learn from triples.

        Parameters
        ----------
        X : Graph, or array-like or table of shape (n_triples, 3)
            A directed graph with relations, or ids (int or str) of head, relation and tail. The
            entities are the nodes of the graph, or else those that occur, ascending. Repeated
            triples count once.
        y : ignored
            Present for scikit-learn.
        validation : as ``X``, optional
            Triples to decide when training is best: every ``validate_every`` epochs they are
            ranked, filtered by themselves and ``X``, and the tables of the best mean reciprocal
            rank are kept. Entities and relations that are not in ``X`` are ranked with the random
            rows that they would have started from.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a parameter is out of range, ``X`` does not hold triples, there are none, or
            ``memory_limit`` is too low for the partitions of the graph.
        StoreError
            If a file cannot be written, or ``workdir`` holds a run that this cannot go on with.
        FloatingPointError
            If training diverges.
        """
        self._validate_params()
        run = fit_in_files(self, X, validation)
        if run is not None:
            self._learn(run, run.triples, run.triples.rows)
            return self
        triples = index_triples(X)
        key = draw_key(check_random_state(self.random_state))
        trainer = self._trainer(triples, triples.rows, key)
        self._run(TrainingRun(trainer), triples, triples.rows, validation, key)
        return self

    def partial_fit(self, X: Any, y: Any = None, validation: Any = None) -> Self:
        """Go on with ``n_epochs`` more epochs, on these triples.

        Entities and relations that are new start afresh, behind the fitted ones, which go on from
        their rows. Triples that were fitted before are not trained again, unless they are given
        again, but are known still. The optimiser and the learning rate start anew.

        Parameters
        ----------
        X : Graph, or array-like or table of shape (n_triples, 3)
            As in :meth:`fit`.
        y : ignored
            Present for scikit-learn.
        validation : as ``X``, optional
            As in :meth:`fit`.

        Returns
        -------
        self
        """
        if not self.__sklearn_is_fitted__():
            return self.fit(X, y, validation=validation)
        self._validate_params()
        triples = extend(X, self.node_index_, self.relation_index_)
        if not len(triples.rows):
            raise GraphError("There are no triples to learn from; give at least one.")
        seed = draw_key(check_random_state(self.random_state))
        key = int(derive_key(seed, self.n_iter_))
        known = canonical_rows(np.concatenate([self.triples_, triples.rows]))
        trainer = self._trainer(triples, known, key)
        model = self._model()
        trainer.entities[:], trainer.relations[:] = grow_tables(
            model.formula, model.entities, model.relations, len(triples.entities),
            len(triples.relations), reciprocal=self.reciprocal, key=key,
        )  # fmt: skip
        run = TrainingRun(trainer, list(self.loss_curve_), list(self.validation_curve_))
        self._run(run, triples, known, validation, key)
        return self

    def _checked_formula(self) -> Formula:
        formula = self._formula()
        if formula.reciprocal_only and not self.reciprocal:
            raise ValueError(
                f"{type(self).__name__} cannot ask for heads directly; leave reciprocal=True."
            )
        return formula

    def _trainer(self, triples: Triples, known: Ids, key: int) -> Any:
        formula, settings = self._checked_formula(), self._settings(len(triples.rows))
        n_entities, n_relations = len(triples.entities), len(triples.relations)
        options: dict[str, Any] = {"key": key, "n_jobs": self.n_jobs}
        if self.filter_negatives:
            options["known"] = KnownTriples(known, n_entities=n_entities, n_relations=n_relations)
        if self.negatives == SHARED:
            return TripleTrainer(formula, settings, n_entities, n_relations, **options)
        from graphembed.knowledge.individual import IndividualTrainer  # it knows a model itself

        return IndividualTrainer(
            formula, settings, n_entities, n_relations, negatives=self.negatives,
            reproducible=self.random_state is not None, **options,
        )  # fmt: skip

    def _settings(self, n_triples: int) -> TripleSettings:
        """Return how to train so many triples; what is "auto" is decided here."""
        values = {field.name: getattr(self, field.name) for field in fields(TripleSettings)}
        if self.negatives != SHARED and values["n_negatives"] == AUTO:
            values["n_negatives"] = N_INDIVIDUAL
        return TripleSettings(**resolve(values, self._presets, n_triples))

    def _run(
        self, run: TrainingRun, triples: Triples, known: Ids, validation: Any, key: int
    ) -> None:
        """Train; an interrupt leaves usable tables, an error what was there before."""
        check = None
        if validation is not None:
            held = extend(validation, triples.entities, triples.relations)
            check = Validation(
                held.rows, known, len(held.entities), len(held.relations), self.reciprocal, key,
                every=self.validate_every, patience=self.patience, n_jobs=self.n_jobs,
            )  # fmt: skip
        try:
            run.train(triples.rows, run.trainer.settings.n_epochs, check, desc=type(self).__name__)
        except KeyboardInterrupt:
            self._learn(run, triples, known)
            raise
        self._learn(run, triples, known)

    def _learn(self, run: TrainingRun | FilesRun, triples: Triples, known: Ids) -> None:
        self.entity_table_, self.relation_table_ = run.tables()
        self.node_index_, self.relation_index_ = triples.entities, triples.relations
        self.triples_ = known.astype(np.int32, copy=False)
        self.loss_curve_, self.validation_curve_ = run.losses, run.scores
        self.n_iter_, self.best_epoch_ = len(run.losses), run.best_epoch
        self.n_features_in_ = 3
        self._vectors: Vectors | None = None

    def fit_transform(self, X: Any, y: Any = None, **fit_params: Any) -> Embedding:
        """Learn from triples and return ``embedding_``.

        Parameters
        ----------
        X, y, **fit_params
            As in :meth:`fit`.

        Returns
        -------
        ndarray of shape (n_entities, n_components), float32
        """
        return self.fit(X, y, **fit_params).embedding_

    def transform(self, X: Any) -> Embedding:
        """Return vectors of entities, known ones and ones that triples tell of.

        Parameters
        ----------
        X : array-like of int or str, Graph, or array-like or table of shape (n_triples, 3)
            Ids of fitted entities: a row for each. Or triples of fitted relations: a row for each
            entity that occurs, ascending by id (of a graph: for each node, in its order). Fitted
            entities keep their rows; new ones are placed from their triples.

        Returns
        -------
        ndarray of shape (n_rows, n_components), float32

        Raises
        ------
        sklearn.exceptions.NotFittedError
            Before :meth:`fit`.
        UnknownNodeError
            If an id, given without triples, or a relation is not known.

        Notes
        -----
        A new entity starts where the fitted one is that answers best what its triples ask for,
        and takes 30 steps on the loss of its triples that move no other row.
        """
        check_is_fitted(self)
        if not holds_triples(X):
            return self.embedding_[known_rows(self.node_index_, _column(X))]
        triples = extend(X, self.node_index_, self.relation_index_, new_relations=False)
        placed = self._placed(triples)
        table = np.concatenate([self.embedding_, placed[:, : self.n_components]])
        if isinstance(X, Graph):
            return table[triples.entities.find(X.nodes)]
        rows = np.unique(triples.rows[:, [0, 2]])
        return table[rows[_ascending(triples.entities.take(rows))]]

    def _placed(self, triples: Triples) -> Embedding:
        """Return rows for the entities behind the fitted ones."""
        model = self._model()
        n = len(model.entities)
        loss = self._settings(len(self.triples_)).make_loss()
        negatives = np.arange(n)
        if n > N_NEGATIVES:
            negatives = shared_negatives(_PLACING_KEY, n, N_NEGATIVES)
        known = self._known(triples.rows, n_entities=len(triples.entities))
        return Placer(model, loss, negatives, known).place(triples.rows, len(triples.entities) - n)

    def score_triples(self, X: Any) -> npt.NDArray[np.float32]:
        """Return how likely each triple is, by the model.

        Parameters
        ----------
        X : Graph, or array-like or table of shape (n_triples, 3)
            Triples of fitted entities and relations.

        Returns
        -------
        ndarray of shape (n_triples,), float32
            Larger is likelier; scores of different relations need not compare.

        Raises
        ------
        UnknownNodeError
            If an entity or a relation is not known.
        """
        check_is_fitted(self)
        rows = triple_rows(X, self.node_index_, self.relation_index_)
        return score_triples(self._model(), rows, n_jobs=self.n_jobs)

    def predict_tails(
        self, heads: Any, relations: Any, k: int = 10, *, exclude_known: bool = True
    ) -> Neighbors:
        """Return the likeliest tails of (head, relation, ?).

        Parameters
        ----------
        heads, relations : int, str or array-like of them, of shape (n_queries,)
            Fitted ids; a single one goes with all of the other.
        k : int, default=10
            Tails of each query; more than there are entities gives all of them.
        exclude_known : bool, default=True
            Leave out the answers that make a triple that was fitted.

        Returns
        -------
        Neighbors
            Ids and scores, both of shape ``(n_queries, k)``, likeliest first; of equal scores in
            row order. A query with fewer than ``k`` answers left is filled up with the entity
            that it names and the score -inf.

        Raises
        ------
        UnknownNodeError
            If an entity or a relation is not known.
        ValueError
            If ``k`` is not a positive int, or there are several heads and another number of
            relations.
        """
        return self._predict(heads, relations, k, TAIL, exclude_known)

    def predict_heads(
        self, relations: Any, tails: Any, k: int = 10, *, exclude_known: bool = True
    ) -> Neighbors:
        """Return the likeliest heads of (?, relation, tail).

        Parameters
        ----------
        relations, tails : int, str or array-like of them, of shape (n_queries,)
            Fitted ids; a single one goes with all of the other.
        k, exclude_known
            As in :meth:`predict_tails`.

        Returns
        -------
        Neighbors
            As in :meth:`predict_tails`.
        """
        return self._predict(tails, relations, k, HEAD, exclude_known)

    def _predict(
        self, given: Any, relations: Any, k: int, side: Side, exclude_known: bool
    ) -> Neighbors:
        check_is_fitted(self)
        if not isinstance(k, Integral) or isinstance(k, bool) or k < 1:
            raise ValueError(f"k must be an int of at least 1; got {k!r}.")
        entities = known_rows(self.node_index_, given)
        kinds = known_rows(self.relation_index_, relations, "relations")
        if len(entities) != len(kinds) and 1 not in (len(entities), len(kinds)):
            raise ValueError(
                f"There are {len(entities)} entities and {len(kinds)} relations; give as many of "
                "both, or a single one of either."
            )
        entities, kinds = (np.ascontiguousarray(a) for a in np.broadcast_arrays(entities, kinds))
        known = None
        if exclude_known:
            known = self._known()
        rows, scores = best_answers(
            self._model(), entities, kinds, int(k), side=side, known=known, n_jobs=self.n_jobs
        )
        return Neighbors(self.node_index_.take(rows), scores)

    def score(self, X: Any, y: Any = None) -> float:  # noqa: ARG002
        """Return the mean reciprocal rank of triples, which scikit-learn's searches maximise.

        Parameters
        ----------
        X : Graph, or array-like or table of shape (n_triples, 3)
            Triples that were held out. Entities and relations that were not fitted are ranked
            with random rows.
        y : ignored
            Present for scikit-learn.

        Returns
        -------
        float
            Over both sides, filtered by the fitted triples and by ``X``, with realistic ranks.
        """
        check_is_fitted(self)
        held = extend(X, self.node_index_, self.relation_index_)
        model = self._model()
        entities, relations = grow_tables(
            model.formula, model.entities, model.relations, len(held.entities),
            len(held.relations), reciprocal=self.reciprocal, key=_PLACING_KEY,
        )  # fmt: skip
        ranks = filtered_ranks(
            model.formula, entities, relations, held.rows, self.triples_,
            reciprocal=self.reciprocal, n_jobs=self.n_jobs,
        )  # fmt: skip
        return float(ranks.mrr)

    def _known(self, *more: Ids, n_entities: int | None = None) -> KnownTriples:
        n_entities = len(self.node_index_) if n_entities is None else n_entities
        n_relations = len(self.relation_index_)
        return KnownTriples(self.triples_, *more, n_entities=n_entities, n_relations=n_relations)

    def _model(self) -> Model:
        formula = self._formula()
        n_relations = len(self.relation_index_) * (2 if self.reciprocal else 1)
        expected = [
            (len(self.node_index_), formula.entity_width), (n_relations, formula.relation_width)
        ]  # fmt: skip
        if [self.entity_table_.shape, self.relation_table_.shape] != expected:
            raise ValueError(
                f"The parameters of this {type(self).__name__} were changed after it was fitted: "
                "its tables are of other shapes. Fit it again."
            )
        return Model(formula, self.entity_table_, self.relation_table_, self.reciprocal)

    @property
    def embedding_(self) -> Embedding:
        """Vectors of the entities, of shape (n_entities, n_components), float32."""
        return self.entity_table_[:, : self.n_components]

    @property
    def relation_embedding_(self) -> Embedding:
        """All that was learned of each relation, (n_relations, relation_width), float32."""
        return self.relation_table_[: len(self.relation_index_)]

    @property
    def entities_(self) -> npt.NDArray[Any]:
        """Ids of the entities, in row order."""
        return self.node_index_.to_numpy()

    @property
    def nodes_(self) -> npt.NDArray[Any]:
        """The same as ``entities_``, as other embedders call it."""
        return self.entities_

    @property
    def relations_(self) -> npt.NDArray[Any]:
        """Ids of the relations, in row order."""
        return self.relation_index_.to_numpy()

    @property
    def vectors_(self) -> Vectors:
        """The vectors of entities by id: look-up, neighbours, export."""
        vectors: Vectors | None = getattr(self, "_vectors", None)
        if vectors is None:
            vectors = Vectors._trusted(self.node_index_, self.embedding_, self.geometry)
            self._vectors = vectors
        return vectors

    @property
    def _n_features_out(self) -> int:
        return int(self.embedding_.shape[1])

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = super().__getstate__()
        # Made of other attributes; pickled, it would hold all vectors a second time.
        return {name: value for name, value in state.items() if name != "_vectors"}

    @classmethod
    def __from_graphembed_state__(cls, state: dict[str, Any]) -> Self:
        model = cls(**state["parameters"])
        for attribute, value in state["fitted"].items():
            setattr(model, attribute, value)
        if model.__sklearn_is_fitted__():
            model._check_state()
        return model

    def _check_state(self) -> None:
        """Check that no row leads a kernel outside the tables."""
        ends, kinds = self.triples_[:, [0, 2]], self.triples_[:, 1]
        bounds = [(ends, len(self.node_index_)), (kinds, len(self.relation_index_))]
        if any(rows.min() < 0 or rows.max() >= n for rows, n in bounds):
            raise PersistenceError("The folder holds a model whose arrays do not fit together.")
        self._model()

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "entity_table_")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        tags.non_deterministic = self.random_state is None
        return tags


describe(KnowledgeEmbedder)


def _column(X: Any) -> Any:
    """Return a column of ids, which scikit-learn hands over as (n, 1) arrays and frames too."""
    if isinstance(X, list | tuple) and X and isinstance(X[0], list | tuple | np.ndarray):
        X = np.array(X, dtype=object)
    return np.asarray(X)[:, 0] if len(getattr(X, "shape", ())) == 2 else X


def _ascending(ids: npt.NDArray[Any]) -> Ids:
    _, (rows,) = NodeIndex.factorize(ids)
    return np.argsort(rows)
