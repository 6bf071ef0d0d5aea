"""Embedders and heuristics by name, as evaluations are told them."""

from collections import Counter
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any


def known_methods() -> dict[str, type]:
    """Return the classes of all embedders and heuristics by name.

    Examples
    --------
    >>> from graphembed.evaluation.methods import known_methods
    >>> known_methods()["adamic_adar"].__name__
    'AdamicAdar'
    """
    return known_embedders() | _known_heuristics()


def named_methods(methods: Any, *, n_jobs: int | None = -1) -> dict[str, Any]:
    """Return methods by name.

    Parameters
    ----------
    methods : str, estimator, mapping of str to them, or iterable of them
        A name ("fastrp", "adamic_adar") stands for an embedder or a heuristic with its default
        parameters. In a list, an estimator is called by its class; if there are several of one
        class, by all that distinguishes it, as it prints itself.
    n_jobs : int or None, default=-1
        For those that are given by name and have such a parameter.

    Returns
    -------
    dict of str to estimator
        In the order given; estimators are those given, not copies.

    Raises
    ------
    ValueError
        If a name is unknown or occurs twice, or there are no methods.
    TypeError
        If something else is given.

    Examples
    --------
    >>> import graphembed as ge
    >>> from graphembed.evaluation.methods import named_methods
    >>> list(named_methods(["adamic_adar", ge.FastRP(64), ge.FastRP(32)]))
    ['adamic_adar', 'FastRP(n_components=64)', 'FastRP(n_components=32)']
    """
    if isinstance(methods, Mapping):
        given = {str(name): _estimator(method, n_jobs) for name, method in methods.items()}
    else:
        given = _named(_as_list(methods), n_jobs)
    if not given:
        raise ValueError("There is no method to evaluate; name at least one.")
    return given


def named_baselines(
    baselines: Iterable[Any] | bool | None, *, n_jobs: int | None = -1
) -> dict[str, Any]:
    """Return heuristics by name.

    Parameters
    ----------
    baselines : bool, str, heuristic, or iterable of them, or None
        True stands for all, False and None for none.
    n_jobs : int or None, default=-1
        For those that are given by name.

    Returns
    -------
    dict of str to heuristic

    Raises
    ------
    ValueError
        If a name is unknown or that of an embedder.

    Examples
    --------
    >>> from graphembed.evaluation.methods import named_baselines
    >>> named_baselines(["katz"], n_jobs=None)
    {'katz': Katz(n_jobs=None)}
    """
    known = _known_heuristics()
    if baselines is None or isinstance(baselines, bool):
        return {name: cls(n_jobs=n_jobs) for name, cls in known.items()} if baselines else {}
    chosen = _as_list(baselines)
    for name in chosen:
        if isinstance(name, str):
            _look_up(name, known, "baseline")
    return named_methods(chosen, n_jobs=n_jobs) if chosen else {}


def method_class(name: str) -> type:
    """Return the class of an embedder or heuristic, however its name is written.

    Raises
    ------
    ValueError
        If there is none; the message names the one that is spelt most alike.

    Examples
    --------
    >>> from graphembed.evaluation.methods import method_class
    >>> method_class("FastRP") is method_class("fast-rp")
    True
    """
    return _look_up(name, known_methods(), "method")


def _look_up(name: str, known: Mapping[str, type], what: str) -> type:
    by_letters = {_letters(key): cls for key, cls in known.items()}
    wanted = short_name(_letters(name))
    if wanted in by_letters:
        return by_letters[wanted]
    shown = {_letters(key): key for key in known}
    near = get_close_matches(wanted, shown, n=1, cutoff=0.5)
    hint = f" Did you mean {shown[near[0]]!r}?" if near else ""
    raise ValueError(f"Unknown {what} {name!r}.{hint} Known: {', '.join(known)}.")


def _letters(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")


def short_name(name: str) -> str:
    """Return the name of a class as it is typed: in small letters, without "Embedding".

    Examples
    --------
    >>> from graphembed.evaluation.methods import short_name
    >>> short_name("PoincareEmbedding"), short_name("LINE")
    ('poincare', 'line')
    """
    return name.lower().removesuffix("embedding")


def known_embedders() -> dict[str, type]:
    """Return the classes of all embedders by their short names."""
    from graphembed.embedders import all_embedders

    return {short_name(name): cls for name, cls in all_embedders().items()}


def _known_heuristics() -> dict[str, type]:
    from graphembed.heuristics import all_heuristics

    return {_snake_case(name): cls for name, cls in all_heuristics().items()}


def _snake_case(name: str) -> str:
    return "".join(f"_{letter}" if letter.isupper() else letter for letter in name)[1:].lower()


def _as_list(methods: Any) -> list[Any]:
    single = isinstance(methods, str) or hasattr(methods, "fit")
    if not single and not isinstance(methods, Iterable):
        raise TypeError(f"Expected names or embedders; got a {type(methods).__name__}.")
    return [methods] if single else list(methods)


def _estimator(method: Any, n_jobs: int | None) -> Any:
    if isinstance(method, str):
        embedder = method_class(method)()
        known = embedder.get_params(deep=False)
        return embedder.set_params(n_jobs=n_jobs) if "n_jobs" in known else embedder
    if isinstance(method, type):
        raise TypeError(f"Expected an object; {method.__name__} is a class. Add parentheses.")
    if not hasattr(method, "fit"):
        raise TypeError(
            f"Expected the name of a method, or an object with fit; got {method!r:.80}."
        )
    return method


def _named(methods: list[Any], n_jobs: int | None) -> dict[str, Any]:
    estimators = [_estimator(method, n_jobs) for method in methods]
    names = [method if isinstance(method, str) else _own_name(method) for method in methods]
    often = Counter(names)
    names = [
        name if often[name] == 1 or isinstance(method, str) else " ".join(repr(method).split())
        for name, method in zip(names, methods, strict=True)
    ]
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        raise ValueError(f"{twice[0]!r} is given twice. Give a dict of names to embedders.")
    return dict(zip(names, estimators, strict=True))


def _own_name(method: Any) -> str:
    names = {cls: name for name, cls in _known_heuristics().items()}
    return names.get(type(method), type(method).__name__)
