"""What a step of training hears along: the whole graph, or a sample around some nodes."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from graphembed.graph.graph import Graph
from graphembed.graph.links import Links
from graphembed.message_passing.block import Block
from graphembed.message_passing.messages import Messages, SparseMatrix, symmetric_degrees
from graphembed.message_passing.sampler import NeighborSampler

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Neighborhood:
    """Features and messages, ready for an encoder.

    Parameters
    ----------
    features : Tensor or SparseMatrix
        Of the sources of the first block.
    blocks : tuple of Messages
        One for each layer.
    """

    features: Any
    blocks: tuple[Any, ...]


class WholeGraph:
    """Every node hears all its neighbours, in every step.

    Parameters
    ----------
    heard : Graph
        Row i lists those whom node i hears.
    features : ndarray of shape (n_nodes, n_features), float32, or csr_array
    n_layers : int
    device : str
    """

    def __init__(self, heard: Graph, features: Any, n_layers: int, device: str) -> None:
        self._heard, self._n_layers, self._device = heard, n_layers, device
        self._features = on_device(features, device)
        self._links: Links | None = None
        self._everything = self._neighborhood(Block.full(heard, direction="out"))

    def around(self, exclude: Rows | None = None) -> Neighborhood:
        """Return the graph without some of its edges.

        Parameters
        ----------
        exclude : ndarray of shape (n_pairs, 2), optional
            Edges that nobody hears along, either way round; pairs without an edge change nothing.
        """
        if exclude is None or not len(exclude):
            return self._everything
        hidden = self._linked_by(exclude)
        keep = ~np.append(hidden, False)[self.links.of_entry]  # self-loops are link -1
        kept_before = np.concatenate([[0], np.cumsum(keep, dtype=np.int64)])
        graph, weights = self._heard, self._heard.weights
        return self._neighborhood(
            Block(
                np.arange(graph.n_nodes, dtype=np.int32),
                graph.n_nodes,
                kept_before[graph.indptr],
                graph.indices[keep],
                None if weights is None else weights[keep],
            )
        )

    def _linked_by(self, pairs: Rows) -> npt.NDArray[np.bool_]:
        """Return for each link whether it is one of the pairs."""
        n_nodes, links = self._heard.n_nodes, self.links
        codes = links.low.astype(np.int64) * n_nodes + links.high
        asked = pairs.min(axis=1) * n_nodes + pairs.max(axis=1)
        place = np.searchsorted(codes, asked)
        found = np.zeros(len(codes), dtype=bool)
        found[place[np.append(codes, -1)[place] == asked]] = True
        return found

    @property
    def links(self) -> Links:
        """The pairs of nodes that hear each other, one way at least."""
        if self._links is None:
            self._links = Links.of(self._heard)
        return self._links

    def _neighborhood(self, block: Block) -> Neighborhood:
        messages = Messages.from_block(block)
        return Neighborhood(self._features, (messages,) * self._n_layers)


class SampledGraph:
    """Every node hears some of its neighbours, drawn anew in each epoch.

    Parameters
    ----------
    heard : Graph
        Row i lists those whom node i hears.
    features : ndarray of shape (n_nodes, n_features), float32, or csr_array
    fanout : tuple of int
        Of each hop, from the nodes that are asked for.
    device : str
    seed : int
    n_jobs : int or None
    symmetric : bool, default=False
        Whether layers need the degrees of the whole graph, as those of ``conv="gcn"`` do.
    """

    def __init__(
        self, heard: Graph, features: Any, fanout: tuple[int, ...], device: str, seed: int,
        n_jobs: int | None, *, symmetric: bool = False,
    ) -> None:  # fmt: skip
        self._features, self._device = features, device
        self._degrees = symmetric_degrees(heard) if symmetric else None
        self._sampler = NeighborSampler(
            heard, fanout, direction="out", n_jobs=n_jobs, random_state=seed
        )

    def around(self, rows: Rows, epoch: int, exclude: Rows | None = None) -> Neighborhood:
        """Return a sample around distinct rows; vectors come in their order.

        Parameters
        ----------
        rows : ndarray of shape (n_rows,)
        epoch : int
        exclude : ndarray of shape (n_pairs, 2), optional
            Edges that nobody hears along.
        """
        sample = self._sampler.sample(rows, epoch=epoch, exclude=exclude)
        return Neighborhood(
            on_device(self._features[sample.rows], self._device),
            tuple(Messages.from_block(block, self._degrees) for block in sample.blocks),
        )


def on_device(features: Any, device: str) -> Any:
    """Return features as an encoder takes them: sparse ones as they are, else as a tensor.

    Parameters
    ----------
    features : ndarray, csr_array or SparseMatrix
    device : str
    """
    import torch

    if not isinstance(features, np.ndarray):
        return features if isinstance(features, SparseMatrix) else SparseMatrix.from_scipy(features)
    if not features.flags.writeable:  # torch has no read-only tensors, and warns
        features = features.copy()
    return torch.from_numpy(features).to(device)
