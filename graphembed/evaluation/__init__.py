"""How good is an embedding? Reports that compare it with what is known."""

from graphembed.evaluation.clustering import ClusteringReport, cluster_nodes
from graphembed.evaluation.distortion import DistortionReport, distortion
from graphembed.evaluation.hierarchy import (
    HierarchyReport,
    HierarchySplit,
    hierarchy_link_prediction,
    hierarchy_reconstruction,
    split_hierarchy,
)
from graphembed.evaluation.intervals import Interval, bootstrap
from graphembed.evaluation.link_prediction import (
    OPERATORS,
    LinkPredictionReport,
    LinkScores,
    evaluate_link_scores,
    link_prediction,
)
from graphembed.evaluation.metrics import (
    average_precision,
    hits_at_k,
    mean_reciprocal_rank,
    ranks,
    roc_auc,
)
from graphembed.evaluation.node_classification import NodeClassificationReport, classify_nodes
from graphembed.evaluation.quality import QualityReport, embedding_quality
from graphembed.evaluation.ranking import (
    RankingMetrics,
    RankingReport,
    SampledRankingReport,
    evaluate_ranking,
)
from graphembed.evaluation.reconstruction import ReconstructionReport, reconstruction
from graphembed.evaluation.relation_patterns import RelationPatternsReport, relation_patterns
from graphembed.evaluation.report import Report
from graphembed.evaluation.triple_classification import (
    TripleClassificationReport,
    classify_triples,
)

__all__ = [
    "OPERATORS",
    "ClusteringReport",
    "DistortionReport",
    "HierarchyReport",
    "HierarchySplit",
    "Interval",
    "LinkPredictionReport",
    "LinkScores",
    "NodeClassificationReport",
    "QualityReport",
    "RankingMetrics",
    "RankingReport",
    "ReconstructionReport",
    "RelationPatternsReport",
    "Report",
    "SampledRankingReport",
    "TripleClassificationReport",
    "average_precision",
    "bootstrap",
    "classify_nodes",
    "classify_triples",
    "cluster_nodes",
    "distortion",
    "embedding_quality",
    "evaluate_link_scores",
    "evaluate_ranking",
    "hierarchy_link_prediction",
    "hierarchy_reconstruction",
    "hits_at_k",
    "link_prediction",
    "mean_reciprocal_rank",
    "ranks",
    "reconstruction",
    "relation_patterns",
    "roc_auc",
    "split_hierarchy",
]
