"""What the parameters that all models share mean; written once, shown by each model."""

from textwrap import indent, wrap
from typing import Any, NamedTuple

from graphembed.knowledge.presets import AUTO, describe_auto
from graphembed.knowledge.presets import COMMON as AUTOMATIC

MARK = "{common}"  # of a docstring, stands for the description of all shared parameters
_WIDTH = 92


class Parameter(NamedTuple):
    """The type of a parameter, as text, and what it does."""

    kind: str
    text: str


COMMON = {
    "n_components": Parameter("int", "Columns of the embedding of entities."),
    "loss": Parameter(
        '{"auto", "softmax", "logistic", "margin", "self_adversarial"}',
        "What is minimised for a true triple and its negatives. Softmax is the cross entropy of "
        "the true answer among the negatives, margin is what is missing to ``margin`` between "
        "the true score and each negative one, logistic takes each triple as true or false, "
        "self-adversarial weighs negatives by their softmax (Sun et al. 2019).",
    ),
    "margin": Parameter('float or "auto"', 'Of the losses "margin" and "self_adversarial".'),
    "temperature": Parameter("float", 'Of the loss "self_adversarial": larger is greedier.'),
    "negative_weight": Parameter(
        'float or "auto"', 'Of all negatives together in the loss "logistic"; the positive has 1.'
    ),
    "n_negatives": Parameter(
        'int, None or "auto"',
        "Wrong answers that each true one is held against. None: all entities.",
    ),
    "negatives": Parameter(
        '{"shared", "uniform", "bernoulli"}',
        '"shared" draws negatives once for a batch, which allows many of them; "uniform" and '
        '"bernoulli" draw some for each triple and replace its head or its tail, with equal '
        "chances or by the relation's numbers of heads and tails (Wang et al. 2014).",
    ),
    "filter_negatives": Parameter(
        "bool", "Whether negatives that are true triples of the training set are left out."
    ),
    "reciprocal": Parameter(
        "bool",
        "Whether each relation has a second vector for its inverse, so that heads are asked for "
        "as tails of the inverse (Lacroix et al. 2018).",
    ),
    "regularizer": Parameter(
        '{"auto", "n3", "l2"} or None',
        "Penalty on the rows of a batch: their cubes or their squares.",
    ),
    "regularization": Parameter('float or "auto"', "Weight of the penalty."),
    "optimizer": Parameter(
        '{"auto", "row_adagrad", "adagrad", "adam", "dense_adam"}',
        '"row_adagrad" keeps one number for each row instead of one for each entry; "adam" steps '
        'the rows of a batch only, "dense_adam" all rows.',
    ),
    "learning_rate": Parameter('float or "auto"', "Step size of the optimiser."),
    "warm_up": Parameter("float", "Epochs in which the learning rate rises to its full value."),
    "decay": Parameter(
        'bool or "auto"', "Whether the learning rate falls linearly to nothing over ``n_epochs``."
    ),
    "batch_size": Parameter('int or "auto"', "Triples between two updates."),
    "n_epochs": Parameter('int or "auto"', "Passes over the triples, at most."),
    "validate_every": Parameter("int", "Epochs between two validations, if ``fit`` is given any."),
    "patience": Parameter(
        "int or None",
        "Training stops after so many validations without a better one. None: it does not.",
    ),
    "memory_limit": Parameter(
        "int, str or None",
        'Bytes, or ``"2GB"`` and the like. If training needs more, the entities are trained in '
        "files, a few partitions of the graph at a time; the graph must have been opened from a "
        "store of several partitions (:func:`graphembed.build_store`). Negatives are drawn from "
        "the partitions in memory then, there is no validation, and ``entity_table_`` and "
        "``triples_`` are memory-mapped. ``partial_fit`` is always in memory.",
    ),
    "workdir": Parameter(
        "path-like or None",
        "Folder for these files; None is a temporary folder that goes with this object.",
    ),
    "resume": Parameter(
        "bool",
        "Go on with the run in ``workdir`` that was killed or interrupted, if there is one. The "
        "result has the same bits as if it had never been.",
    ),
    "n_jobs": Parameter("int or None", "Threads; -1 means all cores."),
    "random_state": Parameter(
        "int, SeedSequence, Generator, RandomState or None",
        "An int gives the same bits for every ``n_jobs``.",
    ),
}


def describe(cls: type[Any]) -> None:
    """Put the shared parameters, with the defaults of this class, where its docstring says so.

    Parameters
    ----------
    cls : type
        A class whose attributes are the defaults of its parameters.
    """
    text = cls.__dict__.get("__doc__")
    if text is None or MARK not in text:
        return
    margin = next(line for line in text.splitlines() if MARK in line).partition(MARK)[0]
    lines = []
    for name, parameter in COMMON.items():
        lines.append(f"{name} : {parameter.kind}, default={_shown(getattr(cls, name))}")
        words = parameter.text
        if name in AUTOMATIC and getattr(cls, name) == AUTO:
            words += f" {describe_auto(name, cls._presets)}"
        lines += [
            f"    {line}" for line in wrap(words, _WIDTH - len(margin), break_on_hyphens=False)
        ]
    described = indent("\n".join(lines), margin).removeprefix(margin)
    cls.__doc__ = text.replace(MARK, described)


def _shown(default: Any) -> str:
    return f'"{default}"' if isinstance(default, str) else repr(default)
