"""Where work runs."""

from graphembed.engine.local import effective_n_jobs, run_blocks, split_by_weight

__all__ = ["effective_n_jobs", "run_blocks", "split_by_weight"]
