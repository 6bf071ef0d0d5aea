"""Libraries of knowledge graph embedding as they train: an epoch a call, or many.

Read by the peers' interpreter too: libraries are imported inside the functions.
"""

from collections.abc import Mapping
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from harness.contender import Contender, Job

from contenders.triples import N_COMPONENTS, complex_columns, pack

MARGIN, LEARNING_RATE = 0.5, 4e-4  # of SparseTransX's own script, for everyone
DISTRIBUTIONS = {
    "fastkg": ("fastkg", "torch", "numpy"),
    "pykeen": ("pykeen", "torch", "numpy"),
    "torchkge": ("torchkge", "torch", "numpy"),
    "torchbiggraph": ("torchbiggraph", "torch", "numpy"),
}
IMPORTS = {
    "fastkg": ("pandas", "torch", "fastkg"),
    "pykeen": ("torch", "pykeen.models", "pykeen.training", "pykeen.evaluation"),
    "torchkge": ("pandas", "torch", "torchkge.models", "torchkge.sampling", "torchkge.utils"),
    "torchbiggraph": ("torch", "torchbiggraph.train"),
}


def sptransx(
    arrays: Mapping[str, Any],
    *,
    threads: int,
    batch_size: int,
    n_epochs: int = 1,
    optimizer: str = "adam",
    learning_rate: float = LEARNING_RATE,
) -> Job:
    """SparseTransX's TransE, as its script trains: squared L2, entities of length 1, Bernoulli.

    Its script adds a weight decay of 1e-5, which ours lacks: left out.
    """
    import pandas as pd
    import torch
    from fastkg import SparseKGDataset, SparseTransE, corrupt_batch_sparse

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    n_entities, n_relations = arrays["sizes"].tolist()
    triples = np.random.default_rng(0).permutation(arrays["train"])
    frame = pd.DataFrame(triples, columns=["from", "rel", "to"])
    data = SparseKGDataset(frame, batch_size=batch_size, n_ent=n_entities, n_rel=n_relations)
    model = SparseTransE(n_entities, n_relations, N_COMPONENTS)
    if "start_entities" in arrays:
        start = np.concatenate([arrays["start_entities"], arrays["start_relations"]])
        model.all_emb.data.copy_(torch.from_numpy(start))
    criterion = torch.nn.MarginRankingLoss(margin=MARGIN, reduction="sum")
    kind = {"adam": torch.optim.Adam, "adagrad": torch.optim.Adagrad}[optimizer]
    step = kind(model.parameters(), lr=learning_rate)
    batches = torch.utils.data.DataLoader(data, batch_size=1, collate_fn=lambda x: x[0])
    notes: dict[str, Any] = {}

    def epoch() -> float:
        total = 0.0
        for positive in batches:
            negative = corrupt_batch_sparse(positive, n_entities, data.relation_statistics)
            step.zero_grad()
            scores = model(positive, negative)
            loss = criterion(*scores, torch.ones_like(scores[0]))
            loss.backward()
            step.step()
            total += loss.item()
        return total / len(triples)

    def run() -> Any:
        notes["loss"] = [epoch() for _ in range(n_epochs)]
        model.normalize_entity_weights()
        return model.all_emb.detach().numpy()

    return Job(run, lambda rows: pack(rows[:n_entities], rows[n_entities:]), notes)


def torchkge(arrays: Mapping[str, Any], *, threads: int, batch_size: int) -> Job:
    """TorchKGE's TransE, as its tutorial trains: squared L2, one Bernoulli negative."""
    import pandas as pd
    import torch
    from torchkge import KnowledgeGraph
    from torchkge.models import TransEModel
    from torchkge.sampling import BernoulliNegativeSampler
    from torchkge.utils import DataLoader, MarginLoss

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    numbers = [{i: i for i in range(n)} for n in arrays["sizes"].tolist()]
    triples = np.random.default_rng(0).permutation(arrays["train"])
    frame = pd.DataFrame(triples, columns=["from", "rel", "to"])
    graph = KnowledgeGraph(df=frame, ent2ix=numbers[0], rel2ix=numbers[1])
    model = TransEModel(N_COMPONENTS, graph.n_ent, graph.n_rel, dissimilarity_type="L2")
    criterion, sampler = MarginLoss(MARGIN), BernoulliNegativeSampler(graph)
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    batches = DataLoader(graph, batch_size=batch_size)

    def run() -> Any:
        for heads, tails, relations in batches:
            corrupted = sampler.corrupt_batch(heads, tails, relations)
            optimizer.zero_grad()
            criterion(*model(heads, tails, relations, *corrupted)).backward()
            optimizer.step()
        model.normalize_parameters()
        return model

    return Job(run, lambda _: pack(*(e.detach().numpy() for e in model.get_embeddings())))


def pykeen_factory(triples: Any, sizes: Any) -> Any:
    """Return PyKEEN's object of triples given by numbers."""
    import torch
    from pykeen.triples import CoreTriplesFactory

    n_entities, n_relations = sizes.tolist()
    mapped = torch.from_numpy(np.ascontiguousarray(triples))
    return CoreTriplesFactory(mapped, num_entities=n_entities, num_relations=n_relations)


def pykeen(
    arrays: Mapping[str, Any],
    *,
    threads: int,
    batch_size: int,
    n_negatives: int,
    model: str = "TransE",
    n_components: int = N_COMPONENTS,
    n_epochs: int = 1,
    learning_rate: float = LEARNING_RATE,
    **options: Any,
) -> Job:
    """PyKEEN, negatives of each triple's own, Bernoulli; ``options`` are its model's."""
    import torch
    from pykeen import models
    from pykeen.training import SLCWATrainingLoop

    torch.set_num_threads(threads)
    factory = pykeen_factory(arrays["train"], arrays["sizes"])
    net = getattr(models, model)(
        triples_factory=factory, embedding_dim=n_components, random_seed=0, **options
    )
    loop = SLCWATrainingLoop(
        model=net,
        triples_factory=factory,
        optimizer=torch.optim.Adam(net.get_grad_params(), lr=learning_rate),
        negative_sampler="bernoulli",
        negative_sampler_kwargs={"num_negs_per_pos": n_negatives},
    )

    def run() -> Any:
        return loop.train(factory, n_epochs, batch_size=batch_size, use_tqdm=False)

    def tables(_: Any) -> Any:
        sides = net.entity_representations, net.relation_representations
        rows = [side[0](None).detach().numpy() for side in sides]
        return pack(*(complex_columns(r) if np.iscomplexobj(r) else r for r in rows))

    return Job(run, tables)


TRANSE: dict[str, Any] = {
    "scoring_fct_norm": 2,
    "loss": "marginranking",
    "loss_kwargs": {"margin": MARGIN},
}


def biggraph(
    arrays: Mapping[str, Any], *, threads: int, n_negatives: int, batch_size: int, n_epochs: int
) -> Job:
    """PyTorch-BigGraph's TransE: negatives shared by a chunk, half of them from its own edges.

    It starts, keeps and ends a pool of processes and writes checkpoints, which its epochs are not
    charged with: ``epoch s`` is what it spends on training itself.
    """
    import h5py
    from torchbiggraph.config import parse_config
    from torchbiggraph.train_cpu import TrainingCoordinator

    folder = Path("biggraph").resolve()  # the process has a folder of its own
    folder.mkdir()
    n_entities, n_relations = arrays["sizes"].tolist()
    (folder / "entity_count_all_0.txt").write_text(str(n_entities), encoding="utf-8")
    (folder / "dynamic_rel_count.txt").write_text(str(n_relations), encoding="utf-8")
    with h5py.File(folder / "edges_0_0.h5", "w") as file:
        file.attrs["format_version"] = 1
        for name, column in zip(("lhs", "rel", "rhs"), arrays["train"].T, strict=True):
            file.create_dataset(name, data=column)
    relation = {"name": "all_edges", "lhs": "all", "rhs": "all", "operator": "translation"}
    config = parse_config(
        {
            "entity_path": str(folder),
            "edge_paths": [str(folder)],
            "checkpoint_path": str(folder / "model"),
            "entities": {"all": {"num_partitions": 1}},
            "relations": [relation],
            "dynamic_relations": True,
            "dimension": N_COMPONENTS,
            "global_emb": False,
            "comparator": "l2",
            "loss_fn": "softmax",
            "lr": 0.1,
            "num_epochs": n_epochs,
            "batch_size": batch_size,
            "num_batch_negs": n_negatives // 2,
            "num_uniform_negs": n_negatives - n_negatives // 2,
            "eval_fraction": 0.0,
            "workers": threads,
        }
    )
    notes: dict[str, Any] = {"epoch s": []}

    class Timed(TrainingCoordinator):  # type: ignore[misc]
        def _coordinate_train(self, *arguments: Any) -> Any:
            start = perf_counter()
            found = super()._coordinate_train(*arguments)
            notes["epoch s"].append(round(perf_counter() - start, 3))
            return found

    def run() -> Any:
        coordinator = Timed(config)
        coordinator.train()
        coordinator.close()
        return np.zeros(0)

    return Job(run, notes=notes)


def peer(name: str, function: Any, library: str, *, once: bool = False, **params: Any) -> Contender:
    """Return a contender that runs in the peers' environment."""
    return Contender(
        name,
        function,
        IMPORTS[library],
        DISTRIBUTIONS[library],
        params,
        peer=True,
        peer_group="kg",
        once=once,
    )
