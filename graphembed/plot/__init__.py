"""Pictures of embeddings. They need matplotlib, which comes with the extra ``[viz]``."""

from graphembed.plot.disk import poincare_disk

__all__ = ["poincare_disk"]
