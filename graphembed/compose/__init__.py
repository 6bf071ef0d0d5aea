"""Adapters that make node ids and pairs of nodes the samples of scikit-learn."""

from graphembed.compose.edge_features import EdgeFeatures
from graphembed.compose.node_features import NodeFeatures
from graphembed.compose.spectral_propagation import SpectralPropagation

__all__ = ["EdgeFeatures", "NodeFeatures", "SpectralPropagation"]
