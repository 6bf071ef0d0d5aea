"""Which method when: `python benchmarks/which_method.py`.

Every embedder of ours and of the peers, with its defaults and 128 columns, on labelled graphs and
on graphs of which a tenth of the edges is held out; directions and weights are dropped. A method on
a graph is a process of its own, in which a small graph is embedded first, so that nothing compiles
while the clock runs. One judge: micro-F1 at the row length that suits each best (harness/judge.py),
AUC by the vectors' own geometry, by Hadamard products and logistic regression, and by context
vectors where a method has them.

Results go to a JSON file after each step; steps that are there are not done again. ``--seconds``
ends it by itself, with exit code 3 if work is left; ``--retime`` forgets times, memory and
failures, but not quality; ``--tables`` prints the tables of docs/choosing.rst.
"""

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from contenders.methods import HYPERBOLIC, embedders, heuristics
from harness.contender import Contender, Result, Settings
from harness.inputs import save_arrays, save_graph
from harness.judge import classification, mean_links
from harness.machine import describe
from harness.measure import MeasurementError, run_once
from harness.peers import GROUPS, named, peer_python
from harness.report import seconds
from link_table import OutOfTimeError, Table, judge, split, table_row

import graphembed as ge

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parent
LABELLED = (
    "email_eu_core", "airports_usa", "ppi_homo_sapiens", "lastfm_asia", "blogcatalog",
    "musae_facebook", "dblp_prone",
)  # fmt: skip
LINKS = (
    "wordnet_mammals", "ca_grqc", "p2p_gnutella08", "wiki_vote", "ego_facebook", "ca_astroph"
)  # fmt: skip
COSTS = ("email_eu_core", "blogcatalog", "ca_astroph", "dblp_prone")  # in the table of costs
HELD_OUT = 0.1
MICRO = "micro-F1 there"
FIRST_USE = "first use"


class Case:
    """One graph, and what is asked about it."""

    def __init__(self, name: str, task: str, n_shuffles: int) -> None:
        self.name, self.task, self.n_shuffles = name, task, n_shuffles

    @cached_property
    def dataset(self) -> Any:
        """The data set."""
        return ge.datasets.load(self.name)

    @cached_property
    def graph(self) -> Any:
        """The whole graph, without directions, weights and names."""
        matrix = self.dataset.graph.to_undirected().adjacency
        ones = type(matrix)((np.ones_like(matrix.data), matrix.indices, matrix.indptr))
        return ge.Graph.from_scipy(ones, directed=False)

    @cached_property
    def split(self) -> Any:
        """For links: the edges that are held out, and as many pairs that are no edges."""
        return split(self.graph, HELD_OUT, 0)

    def about(self) -> dict[str, Any]:
        """Return what the report says about the graph."""
        sizes = {"n_nodes": self.graph.n_nodes, "n_edges": self.graph.n_edges}
        if self.task == "links":
            sizes["n_test_pairs"] = len(self.split.test_labels)
        return {"task": self.task, **sizes}

    def contenders(self) -> tuple[Contender, ...]:
        """Return the methods that can do the task."""
        if self.task == "links":
            return embedders() + heuristics()
        return tuple(each for each in embedders() if each.name not in HYPERBOLIC)

    def inputs(self, folder: Path) -> dict[str, Path]:
        """Write what contenders are given."""
        if self.task == "labels":
            return save_graph(folder, self.graph)
        pairs = save_arrays(folder, {"pairs": self.split.test_pairs})
        return save_graph(folder, self.split.train) | pairs

    def quality(self, name: str, found: Any) -> dict[str, Result]:
        """Judge what a contender handed back."""
        if self.task == "labels":
            vectors = found[0] if found.ndim == 3 else found
            return classification(vectors, self.dataset.labels, self.n_shuffles)
        labels = self.split.test_labels
        own = {head: judge(labels, scores)["auc"] for head, scores in self.scores(name, found)}
        return own | self.hadamard(name, found)

    def scores(self, name: str, found: Any) -> Iterator[tuple[str, Any]]:
        """Yield the scores of the test pairs that need no classifier."""
        if found.ndim == 1:
            yield "own", found
            return
        vectors = found[0] if found.ndim == 3 else found
        pairs = self.split.test_pairs
        geometry = HYPERBOLIC.get(name, "cosine")
        yield "own", ge.Vectors(range(len(vectors)), vectors, geometry=geometry).score_edges(pairs)
        if found.ndim == 3:
            u, v = pairs.T
            yield "context", sum(np.sum(found[0][a] * found[1][b], 1) for a, b in ((u, v), (v, u)))

    def hadamard(self, name: str, found: Any) -> dict[str, Result]:
        """Return the AUC of a classifier of Hadamard products, where there are products."""
        if found.ndim == 1 or name in HYPERBOLIC:
            return {}
        vectors = found[0] if found.ndim == 3 else found
        return {"hadamard": mean_links(vectors, self.split)["AUC"]}


class Progress(Table):
    """The results file."""

    def entry(self, part: str, name: str) -> dict[str, Any]:
        """Return what is known of a method on a graph."""
        methods: dict[str, dict[str, Any]] = self.content["results"].setdefault(part, {})
        return methods.setdefault(name, {})

    def forget_costs(self) -> None:
        """Have everything timed again, and what failed tried again."""
        for part in self.content["results"].values():
            for row in part.values():
                row.pop("cost", None)
                row.pop("error", None)

    def save(self) -> None:
        """Write all results."""
        report = {**describe(ROOT, 2), "held_out": HELD_OUT, **self.content}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        draft = self.path.with_suffix(".tmp")
        draft.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
        draft.replace(self.path)


class Bench:
    """Runs contenders on the graph of one case."""

    def __init__(self, case: Case, progress: Progress, settings: Settings) -> None:
        self.case, self.progress, self.settings = case, progress, settings
        self.folder = settings.workspace / case.name

    @cached_property
    def inputs(self) -> dict[str, Path]:
        """The files that contenders are given."""
        return self.case.inputs(self.folder)

    def measure(self, contender: Contender) -> None:
        """Fill in ``cost`` and ``quality`` of a method, or ``error``."""
        row = self.progress.entry(self.case.name, contender.name)
        if "error" in row or {"cost", "quality"} <= row.keys():
            return
        output = self.folder / f"{contender.name}.npy"
        try:
            self.progress.step(row, "cost", lambda: self.cost(contender, output))
            self.progress.step(row, "quality", lambda: self.quality(contender, output))
        except MeasurementError as error:
            row["error"] = str(error)
            self.progress.save()

    def cost(self, contender: Contender, output: Path) -> dict[str, float]:
        """Run a method once, with its kernels compiled."""
        measured = self.run(contender, self.compiled(contender), output)
        above = measured["peak_rss_bytes"] - measured["rss_before_bytes"]
        return {
            "seconds": round(measured["seconds"][-1], 3),
            "cpu_seconds": round(measured["cpu_seconds"][-1], 3),
            "megabytes": round(above / 1e6, 1),
        }

    def quality(self, contender: Contender, output: Path) -> dict[str, Result]:
        """Judge the vectors that were handed back, made anew if they are gone."""
        if not output.exists():
            self.run(contender, self.compiled(contender), output)
        found = np.load(output, allow_pickle=False)
        output.unlink()
        return self.case.quality(contender.name, found)

    def compiled(self, contender: Contender) -> Path:
        """Return the folder of the kernels of a method, filled if there is none."""
        cache = self.settings.workspace / "numba" / contender.name
        if not cache.exists() and not contender.peer:
            self.run(contender, cache)
        return cache

    def first_use(self, contender: Contender) -> None:
        """Time import, graph and first fit, before anything is compiled and afterwards."""
        row = self.progress.entry(FIRST_USE, contender.name)

        def total(cache: Path) -> float:
            found = self.run(contender, cache)
            parts: list[float] = [
                found["import_seconds"],
                found["build_seconds"],
                *found["seconds"],
            ]
            return round(sum(parts), 2)

        def both() -> dict[str, float]:
            cache = self.settings.workspace / "numba" / contender.name
            shutil.rmtree(cache, ignore_errors=True)
            return {"empty_cache": total(cache), "later": total(cache)}

        if "error" not in row:
            try:
                self.progress.step(row, "cost", both)
            except MeasurementError as error:
                row["error"] = str(error)

    def run(self, contender: Contender, cache: Path, output: Path | None = None) -> dict[str, Any]:
        """Run a method in a process of its own."""
        return run_once(
            contender, self.inputs, self.settings, calls=1, numba_cache=cache, output=output
        )


def best_of(part: Mapping[str, Any], keys: Sequence[Sequence[Any]]) -> float:
    """Return the best figure of all methods on a graph, by any of some keys."""
    found = [figure(part, name, key) for name in part for key in keys]
    return max(value for value in found if value is not None)


def figure(part: Mapping[str, Any], name: str, key: Sequence[Any]) -> float | None:
    """Return one figure of a method on a graph, if it is there."""
    found = part.get(name, {})
    for each in key:
        if isinstance(found, Mapping) and each not in found:
            return None
        found = found[each]
    return float(found)


def mean_gap(
    results: Mapping[str, Any], sets: Sequence[str], name: str, key: Sequence[Any],
    among: Sequence[Sequence[Any]],
) -> tuple[float, int] | None:  # fmt: skip
    """Return how far a method is behind the best on average, and on how many graphs it ran.

    Parameters
    ----------
    results : mapping
        By graph and method.
    sets : sequence of str
        Graphs.
    name : str
        The method.
    key : sequence
        Where its figure is.
    among : sequence of keys
        Where the best figure is looked for, of all methods.
    """
    gaps = [
        best_of(results[each], among) - value
        for each in sets
        if each in results and (value := figure(results[each], name, key)) is not None
    ]
    return (fmean(gaps), len(gaps)) if gaps else None


def tables(results: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of the page's tables in reStructuredText."""
    names = [each.name for each in (*embedders(), *heuristics())]
    makers = (glance, label_table, link_auc_table, cost_table, first_use_table)
    for title, make in zip(TITLES, makers, strict=True):
        yield from ("", title, "", ".. list-table::", "   :header-rows: 1", "")
        yield from make(results, names)


TITLES = (
    "At a glance",
    "Labels: micro-F1 in percent with 10 / 50 / 90 % of the labels known",
    "Links: AUC by Hadamard products and a classifier / by own geometry (cosine)",
    "Cost: seconds (CPU seconds of all threads), MB above the graph",
    "First use: seconds",
)


def complete(results: Mapping[str, Any], sets: Sequence[str]) -> list[str]:
    """Return the graphs on which all of ours were judged that were judged on any of them."""
    own = {each.name for each in embedders() if not each.peer}
    judged = {
        each: {name for name, row in results[each].items() if name in own and "quality" in row}
        for each in sets
        if each in results
    }
    return [each for each, names in judged.items() if names == set().union(*judged.values())]


def glance(results: Mapping[str, Any], names: Sequence[str]) -> Iterator[str]:
    """Yield the mean distances to the best method of each graph."""
    yield from table_row(
        ["method", "labels, 10 %", "50 %", "90 %", "links, products", "own geometry", "context",
         "CPU s, blogcatalog"]
    )  # fmt: skip
    heads = [("quality", head) for head in ("hadamard", "own", "context")]
    labelled, links = complete(results, LABELLED), complete(results, LINKS)

    def points(sets: Sequence[str], name: str, key: Any, among: Any, unit: float = 1.0) -> str:
        gap = mean_gap(results, sets, name, key, among)
        if gap is None:
            return ""
        few = "" if gap[1] == len(sets) else f" ({gap[1]})"
        return f"{-unit * gap[0]:.1f}{few}".replace("-0.0", "0.0")

    for name in names:
        cpu = figure(results.get("blogcatalog", {}), name, ("cost", "cpu_seconds"))
        shares = [("quality", MICRO, i) for i in range(3)]
        cells = [points(labelled, name, key, [key]) for key in shares]
        cells += [points(links, name, key, heads, 100.0) for key in heads]
        if any(cells):
            yield from table_row([name, *cells, "" if cpu is None else seconds(cpu)])


def label_table(results: Mapping[str, Any], names: Sequence[str]) -> Iterator[str]:
    """Yield micro-F1 on each labelled graph."""
    shown = [each for each in LABELLED if each in results]
    yield from table_row(["method", *shown])
    for name in names:
        cells = []
        for each in shown:
            micro = results[each].get(name, {}).get("quality", {}).get(MICRO)
            cells.append(" / ".join(f"{value:.1f}" for value in micro) if micro else "")
        if any(cells):
            yield from table_row([name, *cells])


def link_auc_table(results: Mapping[str, Any], names: Sequence[str]) -> Iterator[str]:
    """Yield AUC on each graph with held-out edges; context vectors have lines of their own."""
    shown = [each for each in LINKS if each in results]
    yield from table_row(["method", *shown])
    for name in names:
        rows = [results[each].get(name, {}).get("quality", {}) for each in shown]
        heads: dict[str, tuple[str, ...]] = {name: ("hadamard", "own")}
        if any("context" in row for row in rows):
            heads[f"{name}, context vectors"] = ("context",)
        for title, found in heads.items():
            cells = [
                " / ".join(f"{row[head]:.3f}".lstrip("0") for head in found if head in row)
                for row in rows
            ]
            if any(cells):
                yield from table_row([title, *cells])


def cost_table(results: Mapping[str, Any], names: Sequence[str]) -> Iterator[str]:
    """Yield time and memory on some graphs."""
    shown = [each for each in COSTS if each in results]
    yield from table_row(["method", *shown])
    for name in names:
        cells = []
        for each in shown:
            cost = results[each].get(name, {}).get("cost")
            cells.append(spent(cost) if cost else "")
        if any(cells):
            yield from table_row([name, *cells])


def spent(cost: Mapping[str, float]) -> str:
    """Return time and memory as they are printed."""
    wall, cpu = seconds(cost["seconds"]), seconds(cost["cpu_seconds"])
    return f"{wall} ({cpu}), {cost['megabytes']:.0f} MB"


def first_use_table(results: Mapping[str, Any], names: Sequence[str]) -> Iterator[str]:
    """Yield what a first fit takes with and without compilation."""
    yield from table_row(["method", "first time", "later processes"])
    for name in names:
        cost = results.get(FIRST_USE, {}).get(name, {}).get("cost")
        if cost:
            yield from table_row([name, f"{cost['empty_cache']:.1f}", f"{cost['later']:.1f}"])


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--labelled", nargs="*", default=LABELLED, help="labelled graphs")
    add("--links", nargs="*", default=LINKS, help="graphs whose edges are held out")
    add("--methods", nargs="+", help="by their names in the tables; default: all")
    add("--n-shuffles", type=int, default=5)
    add("--threads", type=int, default=2)
    add("--no-peers", action="store_true")
    add("--peers", type=Path, default=ROOT / ".venv-peers", help="folder of the first environment")
    add("--timeout", type=float, default=600.0, help="seconds for one method on one graph")
    add("--seconds", type=float, default=float("inf"))
    add("--retime", action="store_true", help="forget times, memory and failures")
    add("--tables", action="store_true", help="print the tables of what is there")
    add("--workspace", type=Path, default=Path(tempfile.gettempdir()) / "graphembed-which-method")
    add("-o", "--output", type=Path, default=FOLDER / "results" / "which-method.json")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what was asked for and is missing."""
    options = parse(arguments)
    progress = Progress(options.output, options.workspace, options.seconds)
    if options.tables:
        sys.stdout.writelines(f"{line}\n" for line in tables(progress.content["results"]))
        return 0
    if options.retime:
        progress.forget_costs()
    options.workspace.mkdir(parents=True, exist_ok=True)
    pythons = {group: peer_python(named(options.peers, group)) for group in GROUPS}
    settings = Settings(
        threads=options.threads,
        rounds=None,
        n_shuffles=options.n_shuffles,
        workspace=options.workspace,
        cache=options.workspace,
        peer_pythons={} if options.no_peers else pythons,
        timeout=options.timeout,
    )
    tasks = {"labels": options.labelled, "links": options.links}
    cases = [
        Case(name, task, options.n_shuffles) for task, names in tasks.items() for name in names
    ]
    try:
        for number, case in enumerate(cases):
            bench = Bench(case, progress, settings)
            progress.content["graphs"].setdefault(case.name, case.about())
            for contender in case.contenders():
                if contender.peer and options.no_peers:
                    continue
                if options.methods and contender.name not in options.methods:
                    continue
                if number == 0:
                    bench.first_use(contender)
                bench.measure(contender)
                print(case.name, contender.name, file=sys.stderr, flush=True)
    except OutOfTimeError:
        return 3
    finally:
        progress.save()
    return 0


if __name__ == "__main__":
    sys.exit(main())
