"""Models of knowledge graphs trained from triples to ranks, beside what was published of them."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from contenders.kg_peers import peer, pykeen
from contenders.triples import as_graph, make_model, pack, ranking, triple_inputs
from harness.contender import Contender, Job, Measurement, Result, Row, Settings
from harness.measure import compare

PEERS = ("kg",)
PEER_EPOCHS = 5
FEW = 1000  # triples to compile with

Run = Callable[[Settings], list[Measurement]]


class Entry(NamedTuple):
    """A model to train.

    Attributes
    ----------
    model : str
        Name of the class.
    published : str
        Test MRR / Hits@1 / Hits@10 elsewhere, and where.
    params : dict
        Parameters that are not the defaults of the class.
    """

    model: str
    published: str
    params: Mapping[str, Any] = {}


TABLES = {
    "fb15k237": (
        Entry("TransE", "LibKGE .313 / .221 / .497"),
        Entry("DistMult", "LibKGE .343 / .250 / .531"),
        Entry("ComplEx", "kbc .35 / - / -", {"n_components": 200}),
        Entry("RotatE", "LibKGE .333 / .240 / .522"),
        Entry("TransH", "millman957/KGE .318 / - / .488", {"n_components": 100}),
        Entry("TransR", "OpenKE - / - / .511", {"n_components": 64}),
        Entry("TransD", "OpenKE - / - / .487"),
        Entry("TorusE", "Rossi et al. .281 / - / .447"),
        Entry("RotH", "KGEmb .314 / - / .496", {"n_components": 32}),
        Entry("AttH", "Chami et al. .324 / - / -", {"n_components": 32}),
    ),
    "wn18rr": (
        Entry("TransE", "LibKGE .228 / .053 / .520", {"n_components": 256}),
        Entry("ComplEx", "kbc .46 / - / -", {"n_components": 128}),
        Entry("RotatE", "RotatE's authors .476 / - / .571"),
        Entry("RotE", "KGEmb .455 / - / .527", {"n_components": 32}),
        Entry("RefH", "Chami et al. .447 / - / -", {"n_components": 32}),
        Entry("RotH", "KGEmb .473 / - / .551", {"n_components": 32}),
        Entry("AttH", "Chami et al. .466 / - / -", {"n_components": 32}),
    ),
    "umls": (Entry("ComplEx", "ConvE .94 / - / -", {"n_components": 200}),),
    "kinships": (Entry("ComplEx", "ConvE .83 / - / -", {"n_components": 200}),),
    "nations": (Entry("DistMult", "ConvE .82 / - / -", {"n_components": 200}),),
}
SMALL = ("umls", "kinships", "nations")


def graphembed_model(
    arrays: Mapping[str, Any], *, threads: int, model: str, settings: Mapping[str, Any]
) -> Job:
    """Ours, with early stopping on the validation triples, whose ranking counts as training."""
    train, valid = (as_graph(arrays[part], arrays["sizes"]) for part in ("train", "valid"))
    options = {"random_state": 0, "n_jobs": threads, **settings}
    notes: dict[str, Any] = {}
    few = as_graph(arrays["train"][:FEW], arrays["sizes"])
    make_model(model, **{**options, "n_epochs": 1, "validate_every": 1}).fit(few, validation=few)

    def run() -> Any:
        fitted = make_model(model, **options).fit(train, validation=valid)
        notes["epochs"], notes["best epoch"] = fitted.n_iter_, fitted.best_epoch_
        if fitted.validation_curve_:
            notes["validation MRR"] = round(max(mrr for _, mrr in fitted.validation_curve_), 4)
        return fitted

    return Job(run, lambda fitted: pack(fitted.entity_table_, fitted.relation_table_), notes)


def ours(entry: Entry) -> Contender:
    """Return the contender of an entry."""
    return Contender(
        entry.model,
        graphembed_model,
        ("numba", "graphembed.knowledge.base"),
        ("graphembed-engine", "numpy", "numba"),
        {"model": entry.model, "settings": dict(entry.params)},
        once=True,
        same_work=False,
    )


PYKEEN: dict[str, Any] = {
    "batch_size": 4096, "n_negatives": 16, "learning_rate": 1e-3, "n_epochs": PEER_EPOCHS,
}  # fmt: skip
PEER_MODELS = (
    peer(
        f"PyKEEN TransE, {PEER_EPOCHS} epochs", pykeen, "pykeen", once=True, model="TransE",
        n_components=128, scoring_fct_norm=2, loss="nssa", loss_kwargs={"margin": 9.0}, **PYKEEN,
    ),
    peer(
        f"PyKEEN ComplEx, {PEER_EPOCHS} epochs", pykeen, "pykeen", once=True, model="ComplEx",
        n_components=64, **PYKEEN,
    ),
)  # fmt: skip


def trained(*datasets: str) -> Run:
    """Return what trains the models of some data sets and ranks all by one evaluator."""

    def run(settings: Settings) -> list[Measurement]:
        found = []
        for dataset in datasets:
            inputs = triple_inputs(settings.workspace, dataset)
            arrays = {name: np.load(path, allow_pickle=False) for name, path in inputs.items()}
            entries = TABLES[dataset]
            contenders = (*map(ours, entries), *PEER_MODELS)
            part = compare(contenders, inputs, settings, cold=False, score=judge(arrays))
            for measured, entry in zip(part, entries, strict=False):
                measured.results["published"] = entry.published
            for measured in part:
                measured.contender += f", {dataset}"
            found += part
        return found

    return run


def judge(arrays: Mapping[str, Any]) -> Callable[[Contender, Any], dict[str, Result]]:
    """Return a score by the ranks of the test triples."""

    def score(contender: Contender, packed: Any) -> dict[str, Result]:
        params = contender.params
        if contender.peer:
            columns = params["n_components"] * (2 if params["model"] == "ComplEx" else 1)
            model = make_model(params["model"], n_components=columns, reciprocal=False)
        else:
            model = make_model(params["model"], **params["settings"])
        return ranking(model._formula(), packed, arrays, reciprocal=model.reciprocal)

    return score


def rows() -> list[Row]:
    """Return the rows of this file."""
    title = "{}: models of ours and of PyKEEN trained, test MRR, filtered, by our evaluator"
    parts = {"fb15k237": ("fb15k237",), "wn18rr": ("wn18rr",), "small": SMALL}
    return [
        Row(f"kg-quality-{name}", title.format(", ".join(sets)), trained(*sets), PEERS)
        for name, sets in parts.items()
    ]
