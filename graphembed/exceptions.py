"""The errors graphembed raises. Each is also the builtin that a user would catch."""

from collections.abc import Sequence
from typing import Any, Self


class GraphEmbedError(Exception):
    """Base of every error that graphembed raises on purpose."""


class GraphError(GraphEmbedError, ValueError):
    """A graph, or the input that should become one, is not usable."""


class FileFormatError(GraphError):
    """A file of edges or vectors could not be read; the message names the file and the line."""


class UnknownNodeError(GraphEmbedError, KeyError):
    """Some node ids are not in the graph."""

    @classmethod
    def from_nodes(cls, unknown: Sequence[Any], n_nodes: int) -> Self:
        """Build the message from the ids that were not found and the number of known ones."""
        shown = ", ".join(repr(node) for node in list(unknown)[:5])
        more = f" and {len(unknown) - 5} more" if len(unknown) > 5 else ""
        return cls(
            f"{len(unknown)} of the given nodes are not among the {n_nodes} known ones: "
            f"{shown}{more}. Check the spelling and the type of the ids (1 and '1' differ)."
        )

    def __str__(self) -> str:
        # KeyError would show the repr of the message, quotes and all.
        return str(self.args[0]) if self.args else ""


class NonFiniteScoresError(GraphEmbedError, FloatingPointError):
    """Scores are NaN or infinite, so that nothing can be ranked by them."""


class DivergedError(GraphEmbedError, FloatingPointError):
    """Training has reached gradients that are not finite."""


class PersistenceError(GraphEmbedError, ValueError):
    """A saved folder is damaged, was tampered with, or is of a newer format."""


class StoreError(GraphEmbedError, OSError):
    """A graph store is missing, damaged, locked or of a newer format, or cannot be written."""

    def __str__(self) -> str:
        # OSError would show its number, which only programs want.
        return str(self.args[-1]) if self.args else ""


class DatasetError(GraphEmbedError, ValueError):
    """A data set is unknown, or what was read is not what the catalog promises."""


class DatasetNotAvailableError(DatasetError, FileNotFoundError):
    """The file of a data set is neither in a local folder, nor cached, nor downloadable."""
