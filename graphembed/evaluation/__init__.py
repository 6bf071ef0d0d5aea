"""How good is an embedding? Reports that compare it with what is known."""

from graphembed.evaluation.link_prediction import (
    OPERATORS,
    LinkPredictionReport,
    LinkScores,
    evaluate_link_scores,
    link_prediction,
)
from graphembed.evaluation.node_classification import NodeClassificationReport, classify_nodes

__all__ = [
    "OPERATORS",
    "LinkPredictionReport",
    "LinkScores",
    "NodeClassificationReport",
    "classify_nodes",
    "evaluate_link_scores",
    "link_prediction",
]
