"""What the parameters that all models share mean; written once, shown by each model."""

from textwrap import indent, wrap
from typing import Any, NamedTuple

MARK = "{common}"  # of a docstring, stands for the description of all shared parameters
_WIDTH = 92


class Parameter(NamedTuple):
    """The type of a parameter, as text, and what it does."""

    kind: str
    text: str


COMMON = {
    "n_components": Parameter("int", "Columns of the embedding of entities."),
    "loss": Parameter(
        '{"softmax", "logistic", "margin", "self_adversarial"}',
        "What is minimised for a true triple and its negatives. Softmax is the cross entropy of "
        "the true answer among the negatives, margin is what is missing to ``margin`` between "
        "the true score and each negative one, logistic takes each triple as true or false, "
        "self-adversarial weighs negatives by their softmax (Sun et al. 2019).",
    ),
    "margin": Parameter("float", 'Of the losses "margin" and "self_adversarial".'),
    "temperature": Parameter("float", 'Of the loss "self_adversarial": larger is greedier.'),
    "n_negatives": Parameter(
        "int or None",
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
        '{"n3", "l2"} or None', "Penalty on the rows of a batch: their cubes or their squares."
    ),
    "regularization": Parameter("float", "Weight of the penalty."),
    "optimizer": Parameter(
        '{"row_adagrad", "adagrad", "adam"}',
        '"row_adagrad" keeps one number for each row instead of one for each entry.',
    ),
    "learning_rate": Parameter("float", "Step size of the optimiser."),
    "warm_up": Parameter("float", "Epochs in which the learning rate rises to its full value."),
    "decay": Parameter(
        "bool", "Whether the learning rate falls linearly to nothing over ``n_epochs``."
    ),
    "batch_size": Parameter("int", "Triples between two updates."),
    "n_epochs": Parameter("int", "Passes over the triples, at most."),
    "validate_every": Parameter("int", "Epochs between two validations, if ``fit`` is given any."),
    "patience": Parameter(
        "int or None",
        "Training stops after so many validations without a better one. None: it does not.",
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
        lines += [
            f"    {line}"
            for line in wrap(parameter.text, _WIDTH - len(margin), break_on_hyphens=False)
        ]
    described = indent("\n".join(lines), margin).removeprefix(margin)
    cls.__doc__ = text.replace(MARK, described)


def _shown(default: Any) -> str:
    return f'"{default}"' if isinstance(default, str) else repr(default)
