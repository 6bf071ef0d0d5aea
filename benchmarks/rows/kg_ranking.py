"""One filtered evaluation of fixed vectors of a knowledge graph: every test triple, both sides."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from contenders.kg_peers import peer, pykeen_factory
from contenders.triples import (
    N_COMPONENTS,
    PARTS,
    as_graph,
    make_model,
    pack,
    triple_arrays,
    unpack,
)
from harness.contender import Contender, Job, Measurement, Result, Row, Settings
from harness.inputs import save_arrays
from harness.measure import compare

DATASET = "fb15k237"
SAMPLE = 256  # test triples of those who take minutes
NUMPY_BLOCK = 512
AGREEMENT = 1e-6
ON_SAMPLE = "MRR of the sample"
# How the vectors are made that all rank: seconds of training, so that ranks are worth something.
TRAINED: dict[str, dict[str, Any]] = {
    "TransE-L1": {"model": "TransE", "norm": 1, "loss": "margin", "margin": 5.0},
    "TransE-L2": {"model": "TransE", "norm": 2, "loss": "margin", "margin": 1.0},
    "DistMult": {"model": "DistMult"},
}
BRIEFLY: dict[str, Any] = {
    "n_components": N_COMPONENTS, "n_epochs": 5, "n_negatives": 100, "reciprocal": False,
    "random_state": 0,
}  # fmt: skip

Run = Callable[[Settings], list[Measurement]]


def graphembed_ranks(arrays: Mapping[str, Any], *, threads: int, score: str, sample: bool) -> Job:  # noqa: ARG001
    """Ours; the index of known triples is part of it."""
    from graphembed.knowledge.known_triples import KnownTriples
    from graphembed.knowledge.ranks import filtered_ranks

    entities, relations = unpack(arrays[score])
    sizes = {"n_entities": len(entities), "n_relations": len(relations)}

    def run() -> Any:
        known = KnownTriples(*(arrays[part] for part in PARTS), **sizes)
        return filtered_ranks(
            formula(score), entities, relations, arrays["test"], known, reciprocal=False,
            n_jobs=threads,
        )  # fmt: skip

    return Job(run, lambda ranks: ranks.realistic)


def formula(score: str) -> Any:
    """Return our formula of this name."""
    from graphembed.knowledge.distmult import DistMultFormula
    from graphembed.knowledge.transe import TransEFormula

    if score == "DistMult":
        return DistMultFormula(N_COMPONENTS)
    return TransEFormula(N_COMPONENTS, 1 if score == "TransE-L1" else 2)


def numpy_ranks(arrays: Mapping[str, Any], *, threads: int, score: str, sample: bool) -> Job:  # noqa: ARG001
    """Blocks of queries against all entities, matrix products where the score has them."""
    from scipy.spatial.distance import cdist

    entities, relations = unpack(arrays[score])
    triples = arrays["test"][arrays["sample"]] if sample else arrays["test"]
    everything = np.concatenate([arrays[part] for part in PARTS])
    squares = np.einsum("ij,ij->i", entities, entities)

    def scores(queries: Any) -> Any:
        if score == "TransE-L1":
            return -cdist(queries, entities, "cityblock")
        products = queries @ entities.T
        return products if score == "DistMult" else 2 * products - squares

    def queries(given: Any, kinds: Any, backward: bool) -> Any:
        vectors = relations[kinds]
        if score == "DistMult":
            return entities[given] * vectors
        return entities[given] - vectors if backward else entities[given] + vectors

    def side(asked: int, answer: int) -> Any:
        ranks = np.empty(len(triples))
        keys, known = known_answers(everything, asked, answer)
        for start in range(0, len(triples), NUMPY_BLOCK):
            part = triples[start : start + NUMPY_BLOCK]
            rows = np.arange(len(part))
            found = scores(queries(part[:, asked], part[:, 1], backward=asked == 2))
            true = found[rows, part[:, answer]].copy()
            wanted = part[:, 1] * len(entities) + part[:, asked]
            ends = np.searchsorted(keys, wanted), np.searchsorted(keys, wanted, side="right")
            for row, first, last in zip(rows, *ends, strict=True):
                found[row, known[first:last]] = -np.inf
            above = (found > true[:, None]).sum(axis=1)
            tied = (found == true[:, None]).sum(axis=1)  # its own answer was left out
            ranks[start : start + NUMPY_BLOCK] = 1 + above + tied / 2
        return ranks

    def known_answers(everything: Any, asked: int, answer: int) -> Any:
        keys = everything[:, 1] * len(entities) + everything[:, asked]
        order = np.argsort(keys, kind="stable")
        return keys[order], everything[order, answer]

    return Job(lambda: np.stack([side(2, 0), side(0, 2)]))


def pykeen_ranks(
    arrays: Mapping[str, Any], *, threads: int, score: str, sample: bool, batch_size: int
) -> Job:
    """PyKEEN's evaluator; the filter is part of it, and hands back one number, the MRR."""
    import torch
    from pykeen import models
    from pykeen.evaluation import RankBasedEvaluator

    torch.set_num_threads(threads)
    factory = pykeen_factory(arrays["train"], arrays["sizes"])
    options = {} if score == "DistMult" else {"scoring_fct_norm": 1 if score[-1] == "1" else 2}
    name = score.partition("-")[0]
    model = getattr(models, name)(
        triples_factory=factory, embedding_dim=N_COMPONENTS, random_seed=0, **options
    )
    sides = model.entity_representations[0], model.relation_representations[0]
    for side, rows in zip(sides, unpack(arrays[score]), strict=True):
        side._embeddings.weight.data.copy_(torch.from_numpy(rows))
    triples = arrays["test"][arrays["sample"]] if sample else arrays["test"]
    test, *known = (
        torch.from_numpy(np.ascontiguousarray(part))
        for part in (triples, arrays["train"], arrays["valid"], arrays["test"])
    )
    evaluator = RankBasedEvaluator(filtered=True)

    def run() -> Any:
        report = evaluator.evaluate(
            model, test, batch_size=batch_size, use_tqdm=False, additional_filter_triples=known
        )
        return report.get_metric("both.realistic.inverse_harmonic_mean_rank")

    return Job(run, lambda mrr: np.array([mrr]))


def contenders(score: str) -> tuple[Contender, ...]:
    """Return who ranks by a score; ours first."""
    slow = score == "TransE-L1"
    batch_size = 128 if score == "DistMult" else 64  # the fastest of 8 to 512
    return (
        Contender(
            "graphembed",
            graphembed_ranks,
            ("numba", "graphembed.knowledge.ranks", "graphembed.knowledge.transe"),
            ("graphembed-engine", "numpy", "numba"),
            {"score": score, "sample": False},
            reference=True,
        ),
        Contender(
            "numpy and scipy" if slow else "numpy",
            numpy_ranks,
            ("scipy.spatial.distance",),
            ("numpy", "scipy"),
            {"score": score, "sample": slow},
        ),
        peer("PyKEEN", pykeen_ranks, "pykeen", score=score, sample=True, batch_size=batch_size),
    )


def evaluated(dataset: str, score: str) -> Run:
    """Return what trains for a moment, and then has all rank the same vectors."""

    def run(settings: Settings) -> list[Measurement]:
        from graphembed.datasets import load

        arrays = triple_arrays(load(dataset))
        model = make_model(**TRAINED[score], **BRIEFLY, n_jobs=settings.threads)
        model.fit(as_graph(arrays["train"], arrays["sizes"]))
        arrays[score] = pack(model.entity_table_, model.relation_table_)
        n_test = len(arrays["test"])
        rng = np.random.default_rng(0)
        arrays["sample"] = np.sort(rng.permutation(n_test)[:SAMPLE])
        inputs = save_arrays(settings.workspace / score, arrays)
        found = compare(
            contenders(score), inputs, settings, calls=2, rounds=2, cold=False,
            score=lambda _, ranks: mrr(ranks, arrays["sample"], n_test),
        )  # fmt: skip
        annotate(found, len(arrays["sample"]) / n_test)
        return found

    return run


def mrr(ranks: Any, sample: Any, n_test: int) -> dict[str, Result]:
    """Return the mean reciprocal rank of all test triples and of the sample, as far as known."""
    if ranks.ndim == 1:  # it is the mean already
        return {ON_SAMPLE: float(ranks[0])}
    if ranks.shape[1] < n_test:
        return {ON_SAMPLE: float((1 / ranks).mean())}
    return {"MRR": float((1 / ranks).mean()), ON_SAMPLE: float((1 / ranks[:, sample]).mean())}


def annotate(found: list[Measurement], share: float) -> None:
    """Scale the times of those who ranked a sample; say whether their mean rank is ours."""
    ours = next((m.results.get(ON_SAMPLE) for m in found if m.reference), None)
    for measured in found:
        if measured.params["sample"]:
            measured.warm_seconds = [seconds / share for seconds in measured.warm_seconds]
            measured.results["scaled up from"] = f"{share:.1%} of the triples"
        theirs = measured.results.get(ON_SAMPLE)
        if isinstance(ours, float) and isinstance(theirs, float) and not measured.reference:
            measured.results["MRR agrees to 1e-6"] = abs(theirs - ours) < AGREEMENT


def rows() -> list[Row]:
    """Return the rows of this file."""
    title = "{}, {}, {} components: one filtered evaluation of all test triples on both sides"
    return [
        Row(
            f"kg-ranking-{score.lower()}",
            title.format(DATASET, score, N_COMPONENTS),
            evaluated(DATASET, score),
            ("kg",),
        )
        for score in TRAINED
    ]
