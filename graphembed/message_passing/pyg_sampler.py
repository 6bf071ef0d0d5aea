"""Our sampler behind torch_geometric's loaders, which then need neither pyg-lib nor torch-sparse.

This module imports torch and torch_geometric; only :class:`NeighborSampler` imports it, when asked.
"""

import warnings
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from graphembed.graph.graph import Graph
from graphembed.message_passing.block import Pointers
from graphembed.message_passing.drawing import NeighborDraws, check_exclude, check_rows

with warnings.catch_warnings():
    # torch_geometric itself uses what torch deprecates, once, when it is imported.
    warnings.simplefilter("ignore", DeprecationWarning)
    from torch_geometric.sampler import (
        BaseSampler,
        EdgeSamplerInput,
        NegativeSampling,
        NodeSamplerInput,
        SamplerOutput,
    )
    from torch_geometric.sampler.neighbor_sampler import edge_sample

if TYPE_CHECKING:
    from torch_geometric.data import Data


class TorchGeometricSampler(BaseSampler):  # type: ignore[misc]
    """What torch_geometric's ``NodeLoader`` and ``LinkLoader`` draw neighbourhoods with.

    Made by :meth:`graphembed.NeighborSampler.to_torch_geometric`, which says more.

    Parameters
    ----------
    draws : NeighborDraws
    fanout : tuple of int
        The most neighbours of a node in each hop.
    data : torch_geometric.data.Data, optional
        Whose edges are named.
    exclude_pairs : bool, default=True
        Whether pairs that are to be predicted are left out.

    Raises
    ------
    ValueError
        If ``data`` lacks an edge that may be walked along, or has other nodes.
    """

    def __init__(
        self,
        draws: NeighborDraws,
        fanout: tuple[int, ...],
        data: "Data | None" = None,
        *,
        exclude_pairs: bool = True,
    ) -> None:
        self.draws, self.fanout, self.exclude_pairs = draws, fanout, exclude_pairs
        self._edge_ids = None if data is None else _edge_ids(draws.graph, data)

    def sample_from_nodes(self, index: NodeSamplerInput, **_: Any) -> SamplerOutput:
        """Return the neighbourhoods of nodes, for ``NodeLoader``.

        Raises
        ------
        ValueError
            If a node is there twice, or has a time.
        """
        _refuse_time(index.time)
        found = self._subgraph(None, index.node)
        found.metadata = (index.input_id, index.time)
        return found

    def sample_from_edges(
        self, index: EdgeSamplerInput, neg_sampling: NegativeSampling | None = None
    ) -> SamplerOutput:
        """Return the neighbourhoods of the ends of pairs and of negatives, for ``LinkLoader``.

        Raises
        ------
        ValueError
            If pairs have times.
        """
        _refuse_time(index.time)
        pairs = torch.stack([index.row, index.col], dim=1).numpy() if self.exclude_pairs else None
        return edge_sample(
            index, partial(self._subgraph, pairs), self.draws.n_nodes, disjoint=False,
            neg_sampling=neg_sampling,
        )  # fmt: skip

    def _subgraph(
        self, exclude: Any, nodes: torch.Tensor, _: torch.Tensor | None = None
    ) -> SamplerOutput:
        """Return what is found hop by hop; only nodes found at the last hop choose neighbours."""
        excluded = check_exclude(exclude, self.draws.n_nodes)
        known = check_rows(nodes.numpy(), self.draws.n_nodes)
        # Torch's random numbers are others in each epoch, and in each worker of a loader.
        epoch = int(torch.randint(2**62, ()))
        n_nodes, hops, columns = [0, len(known)], [], []
        with self.draws.numbering(known) as places:
            for hop, fanout in enumerate(self.fanout):
                first = sum(n_nodes[:-1])
                messages = self.draws.draw(
                    known[first:], fanout, epoch=epoch, hop=hop, excluded=excluded
                )
                columns.append(np.repeat(np.arange(first, len(known)), np.diff(messages.indptr)))
                known = self.draws.number(messages, places, known)
                n_nodes.append(len(known) - sum(n_nodes))
                hops.append(messages)
        edge = None
        if self._edge_ids is not None:
            edge = _tensor(self._edge_ids[np.concatenate([each.entries for each in hops])])
        return SamplerOutput(
            node=_tensor(known),
            row=_tensor(np.concatenate([each.neighbors for each in hops])),
            col=_tensor(np.concatenate(columns)),
            edge=edge,
            num_sampled_nodes=n_nodes[1:],
            num_sampled_edges=[len(each.entries) for each in hops],
        )


def _tensor(array: Any) -> torch.Tensor:
    return torch.from_numpy(array.astype(np.int64))


def _refuse_time(time: Any) -> None:
    if time is not None:
        raise ValueError(
            "This sampler knows no times; leave out input_time and edge_label_time, or draw with "
            "torch_geometric's own sampler, which needs pyg-lib."
        )


def _edge_ids(graph: Graph, data: "Data") -> Pointers:
    """Return for each entry of the sampler's graph which edge of the data it is."""
    n_nodes = graph.n_nodes
    if data.num_nodes != n_nodes:
        raise ValueError(f"The graph has {n_nodes} nodes, and the data {data.num_nodes}.")
    sources, targets = data.edge_index.cpu().numpy()
    codes = targets * n_nodes + sources
    order = np.argsort(codes, kind="stable")
    hearing = np.repeat(np.arange(n_nodes), np.diff(graph.indptr))
    wanted = hearing * n_nodes + graph.indices
    places = np.searchsorted(codes, wanted, sorter=order)
    edges: Pointers = order[np.minimum(places, len(order) - 1)] if len(order) else places
    if not len(order) or not np.array_equal(codes[edges], wanted):
        raise ValueError(
            "The graph has edges that the data lacks. Make it with "
            "Graph.from_torch_geometric(data), and a sampler with direction='in'."
        )
    return edges
