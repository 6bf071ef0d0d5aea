"""Methods as they are named on the command line: embedders, heuristics, models of triples."""

from collections.abc import Sequence
from typing import Any

from graphembed.cli.output import suggest
from graphembed.cli.parameters import DEFAULTS, parse_param, signature_of

DEFAULT_METHOD = "spectral"
# What only methods have that work in files.
IN_FILES = ("memory_limit", "workdir", "resume")


def find_method(name: str) -> type:
    """Return the embedder or model of knowledge graphs of that name, however it is capitalised.

    Raises
    ------
    ValueError
        If there is none; the message names the one that is spelt most alike.
    """
    from graphembed.evaluation.methods import known_embedders, short_name

    wanted = short_name(name.replace("-", "").replace("_", ""))
    methods = known_embedders()
    if wanted not in methods:
        methods |= knowledge_models()
    if wanted not in methods:
        raise ValueError(
            f"Unknown method {name!r}.{suggest(wanted, list(methods))} Known: {', '.join(methods)}."
        )
    return methods[wanted]


def knowledge_models() -> dict[str, type]:
    """Return all models of knowledge graphs by their names in small letters."""
    from graphembed.knowledge import all_models

    return {name.lower(): cls for name, cls in all_models().items()}


def is_knowledge_model(method: type) -> bool:
    """Whether a method learns triples rather than edges."""
    from graphembed.knowledge import find_model

    return find_model(method.__name__) is method


def methods_with(parameter: str) -> list[str]:
    """Return the names of the methods for ``graphembed fit`` that have a parameter."""
    from graphembed.evaluation.methods import known_embedders

    methods = known_embedders() | knowledge_models()
    return sorted(name for name, cls in methods.items() if parameter in signature_of(cls))


def make_embedder(embedder_class: type, options: dict[str, Any], params: list[str]) -> Any:
    """Build the embedder from the command's options and its ``-p KEY=VALUE``, all checked."""
    known = signature_of(embedder_class)
    settings: dict[str, Any] = {key: value for key, value in DEFAULTS.items() if key in known}
    given = {key: value for key, value in options.items() if value is not None}
    for text in params:
        key, value = parse_param(text)
        if key in given:
            raise ValueError(f"{key} is given twice: once by its own option, once by -p {text}.")
        given[key] = value
    for key in given:
        if key in IN_FILES and key not in known:
            raise ValueError(
                f"{embedder_class.__name__} has no parameter {key!r}. Methods that have it: "
                f"{', '.join(methods_with(key))}."
            )
        if key not in known:
            raise ValueError(
                f"{embedder_class.__name__} has no parameter {key!r}.{suggest(key, list(known))} "
                f"Known: {', '.join(known)}."
            )
    embedder = embedder_class(**(settings | given))
    # Here, not in fit: a wrong value should not cost the reading of a large file.
    if hasattr(embedder, "_validate_params"):
        embedder._validate_params()
    return embedder


def find_any_method(name: str) -> type:
    """Return the embedder or heuristic of that name, however it is capitalised."""
    from graphembed.evaluation.methods import method_class

    return method_class(name)


def make_methods(
    names: Sequence[str], options: dict[str, int | None], params: Sequence[str]
) -> dict[str, Any]:
    """Build several methods; an option goes to all that know it.

    Parameters
    ----------
    names : sequence of str
    options : dict of str to int or None
        The command's own options; None if not given.
    params : sequence of str
        ``KEY=VALUE`` for all methods that have the parameter, ``METHOD.KEY=VALUE`` for one.

    Returns
    -------
    dict of str to estimator
        By the names given.

    Raises
    ------
    ValueError
        If a name is unknown or given twice, or no method has a parameter.
    """
    classes: dict[str, type] = {}
    for name in names:
        cls = find_any_method(name)
        if cls in classes.values():
            raise ValueError(f"-m {name} is given twice. Compare settings in Python: ge.compare.")
        classes[name] = cls
    known = {name: list(signature_of(cls)) for name, cls in classes.items()}
    own: dict[str, list[str]] = {name: [] for name in classes}
    for text in params:
        for name, setting in addressed(text, classes, known):
            own[name].append(setting)
    for key, value in options.items():
        if value is not None and key != "n_jobs":
            check_known(key, known)
    return {
        name: make_embedder(
            cls, {key: value for key, value in options.items() if key in known[name]}, own[name]
        )
        for name, cls in classes.items()
    }


def addressed(
    text: str, classes: dict[str, type], known: dict[str, list[str]]
) -> list[tuple[str, str]]:
    """Return the methods that a ``-p`` is for, each with ``KEY=VALUE``."""
    key = text.partition("=")[0]
    method, dot, rest = key.partition(".")
    if not dot:
        plain = key.strip().replace("-", "_")
        if "=" in text:
            check_known(plain, known)
        # What is no KEY=VALUE is refused by the first method.
        return [(name, text) for name, its in known.items() if plain in its or "=" not in text]
    cls = find_any_method(method.strip())
    names = [name for name, other in classes.items() if other is cls]
    if not names:
        raise ValueError(f"-p {text} is for {method}, which is not among the methods (-m).")
    return [(names[0], rest + text[len(key) :])]


def check_known(key: str, known: dict[str, list[str]]) -> None:
    """Check that at least one method has a parameter.

    Raises
    ------
    ValueError
        If none has.
    """
    every = sorted({name for names in known.values() for name in names})
    if key not in every:
        raise ValueError(
            f"None of the methods has a parameter {key!r}.{suggest(key, every)} "
            f"Known: {', '.join(every)}."
        )
