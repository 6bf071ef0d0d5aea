import bz2
import gzip

import networkx as nx
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
import scipy.io
import scipy.sparse as sp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from graphembed import Graph, read_edges
from graphembed.exceptions import FileFormatError, GraphError
from graphembed.graph.files import write_edges

EDGES = [("ann", "bob", 2.0, "likes"), ("bob", "cid", 0.5, "knows"), ("cid", "cid", 1.0, "likes")]
FRAME = pd.DataFrame(EDGES, columns=["source", "target", "weight", "relation"])


def same(graph, other):
    assert_array_equal(graph.nodes, other.nodes)
    assert_array_equal(graph.indptr, other.indptr)
    assert_array_equal(graph.indices, other.indices)
    assert (graph.directed, graph.relations) == (other.directed, other.relations)
    for name in ("weights", "edge_types"):
        one, two = getattr(graph, name), getattr(other, name)
        assert (one is None) == (two is None)
        assert one is None or np.array_equal(one, two)
    return True


@pytest.fixture
def expected():
    sources, targets, weights, relations = zip(*EDGES, strict=True)
    return Graph.from_edges(sources, targets, weights, relations=relations, directed=True)


WRITERS = {
    "pandas.csv": lambda path: FRAME.to_csv(path, index=False),
    "pandas.tsv": lambda path: FRAME.to_csv(path, index=False, sep="\t"),
    "pandas.csv.gz": lambda path: FRAME.to_csv(path, index=False),
    "pandas.CSV.bz2": lambda path: path.write_bytes(bz2.compress(FRAME.to_csv().encode())),
    "pandas.txt": lambda path: FRAME.to_csv(path, index=False, sep=" "),
    "pandas.parquet": lambda path: FRAME.to_parquet(path),
    "pandas.feather": lambda path: FRAME.to_feather(path),
    "polars.csv": lambda path: pl.from_pandas(FRAME).write_csv(path),
    "polars.parquet": lambda path: pl.from_pandas(FRAME).write_parquet(path),
    "polars.arrow": lambda path: pl.from_pandas(FRAME).write_ipc(path),
    "stream.arrow": lambda path: pl.from_pandas(FRAME).write_ipc_stream(path),
    "category.pq": lambda path: FRAME.astype({"source": "category"}).to_parquet(path),
    "zstd.tsv.zst": lambda path: path.write_bytes(
        pa.compress(FRAME.to_csv(sep="\t").encode(), codec="zstd", asbytes=True)
    ),
}


@pytest.mark.parametrize("name", WRITERS)
def test_files_of_other_libraries(tmp_path, expected, name):
    WRITERS[name](tmp_path / name)
    assert same(read_edges(tmp_path / name, directed=True), expected)
    assert same(read_edges(str(tmp_path / name), directed=True, source="source"), expected)


@pytest.mark.parametrize("name", ["e.csv", "e.tsv", "e.csv.gz", "e.tsv.zst", "e.parquet"])
@pytest.mark.parametrize("directed", [False, True])
def test_what_is_written_is_read(tmp_path, expected, name, directed):
    graph = expected if directed else expected.to_undirected()
    write_edges(graph, tmp_path / name)
    assert same(read_edges(tmp_path / name, directed=directed), graph)
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_writing_is_whole_or_not_at_all(tmp_path, expected, monkeypatch):
    path = tmp_path / "e.parquet"
    path.write_text("old")

    def fail(table, where):
        raise OSError("disk full")

    monkeypatch.setattr(pq, "write_table", fail)
    with pytest.raises(OSError, match="disk full"):
        write_edges(expected, path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["e", "e.xlsx", "e.parquet.gz", "e.gz"])
def test_an_unknown_format_is_not_written(tmp_path, expected, name):
    with pytest.raises(GraphError, match=r"Use \.parquet, \.csv or \.tsv"):
        write_edges(expected, tmp_path / name)


def test_networkx_edge_lists(tmp_path):
    graph = nx.karate_club_graph()
    path = tmp_path / "karate.edgelist"
    expected = Graph.from_networkx(graph, weight=None)
    nx.write_edgelist(graph, path)
    assert same(read_edges(path), expected)
    nx.write_edgelist(graph, path, data=False)
    assert same(read_edges(path), expected)
    nx.write_weighted_edgelist(graph, path)
    assert same(read_edges(path, weight=2), Graph.from_networkx(graph))


def test_a_home_folder_is_expanded(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    write_edges(Graph.from_edges([1], [2]), "~/e.csv")
    assert read_edges("~/e.csv").nodes.tolist() == [1, 2]


def test_a_missing_file_is_named_in_full(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match=str(tmp_path / "nowhere.csv")):
        read_edges("nowhere.csv")


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(FileFormatError, match="not a file but a folder"):
        read_edges(tmp_path)


@pytest.mark.parametrize("name", ["e.parquet", "e.feather", "e.arrow", "e.mtx"])
@pytest.mark.parametrize("content", [b"", b"1,2\n3,4\n" * 10])
def test_a_file_that_is_not_what_its_name_says(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(FileFormatError, match=f"{name} is not a readable"):
        read_edges(tmp_path / name)


@pytest.mark.parametrize("name", ["e.csv", "e.csv.gz"])
def test_an_empty_file(tmp_path, name):
    (tmp_path / name).write_bytes(gzip.compress(b"") if name.endswith("gz") else b"")
    with pytest.raises(FileFormatError, match=f"{name} is empty"):
        read_edges(tmp_path / name)


def test_a_parquet_file_without_rows(tmp_path):
    FRAME[:0].to_parquet(tmp_path / "e.parquet")
    with pytest.raises(FileFormatError, match="no rows"):
        read_edges(tmp_path / "e.parquet")


@pytest.mark.parametrize("codec", ["gzip", "zstd"])
def test_a_cut_off_file(tmp_path, codec):
    numbers = np.random.default_rng(0).integers(0, 10**6, (100_000, 2)).tolist()
    text = "".join(f"{u},{v}\n" for u, v in numbers).encode()
    packed = gzip.compress(text) if codec == "gzip" else pa.compress(text, codec, asbytes=True)
    path = tmp_path / "e.csv.gz"
    path.write_bytes(packed[: len(packed) // 2])
    with pytest.raises(FileFormatError, match=r"e\.csv\.gz is damaged or cut off"):
        read_edges(path)


def test_columns_of_parquet_and_their_errors(tmp_path):
    path = tmp_path / "e.parquet"
    FRAME.rename(columns={"weight": "w"}).to_parquet(path)
    assert read_edges(path, weight="w", relation=False).weighted
    assert read_edges(path, source=1, target=0).relations == ("knows", "likes")
    with pytest.raises(FileFormatError, match=r"e\.parquet has no column 'weigth'"):
        read_edges(path, weight="weigth")
    with pytest.raises(FileFormatError, match="must hold numbers"):
        read_edges(path, weight="target", target="relation", relation=False)


def test_nodes_of_a_typed_file_keep_their_kind(tmp_path):
    path = tmp_path / "e.feather"
    pa.feather.write_feather(pa.table({"a": ["1"], "b": [2]}), path)
    assert read_edges(path, nodes=["2", "0", "1"]).nodes.tolist() == ["2", "0", "1"]


MATRIX = sp.coo_array(np.array([[0, 2, 0, 0], [2, 0, 0.5, 0], [0, 0.5, 1, 0], [0, 0, 0, 0]]))


@pytest.mark.parametrize("symmetry", ["symmetric", "general"])
@pytest.mark.parametrize("field", ["real", "pattern"])
@pytest.mark.parametrize("packed", [False, True])
def test_matrix_market(tmp_path, symmetry, field, packed):
    path = tmp_path / "m.mtx"
    scipy.io.mmwrite(path, MATRIX, symmetry=symmetry, field=field)
    if packed:
        path.write_bytes(gzip.compress(path.read_bytes()))
    matrix = MATRIX.astype(bool) if field == "pattern" else MATRIX
    assert same(read_edges(path), Graph.from_scipy(matrix))
    assert same(read_edges(path, directed=True), Graph.from_scipy(matrix, directed=True))
    assert read_edges(path, nodes=list("abcd")).nodes.tolist() == list("abcd")


def test_an_asymmetric_matrix_is_a_list_of_edges(tmp_path):
    path = tmp_path / "m.mtx.zst"
    text = b"%%MatrixMarket matrix coordinate real general\n3 3 3\n1 2 1\n2 1 3\n3 1 1\n"
    path.write_bytes(pa.compress(text, codec="zstd", asbytes=True))
    assert read_edges(path).edge_weights().tolist() == [4, 1]
    assert read_edges(path, directed=True).edge_weights().tolist() == [1, 3, 1]


@pytest.mark.parametrize(
    ("banner", "entries", "message"),
    [
        ("real general", "% c\n2 2 2\n1 2 1\n", "Truncated"),
        ("real general", "2 2 1\n1 x 1\n", "Line 3"),
        ("real general", "2 2 1\n1 3 1\n", "Line 3: Column index out of bounds"),
        ("real general", "% c\n2 2 2\n1 2 1\n2 1 nan\n", "line 5: the weight is not finite"),
        ("real general", "2 3 1\n1 2 1\n", "must be square"),
        ("complex general", "2 2 1\n1 2 1 1\n", "Complex"),
        ("real skew-symmetric", "2 2 1\n2 1 1\n", "skew-symmetric"),
    ],
)
def test_bad_matrices_are_named(tmp_path, banner, entries, message):
    path = tmp_path / "m.mtx"
    path.write_text(f"%%MatrixMarket matrix coordinate {banner}\n{entries}")
    with pytest.raises(FileFormatError, match=f"m.mtx.*{message}"):
        read_edges(path)


def test_a_matrix_has_no_columns(tmp_path):
    scipy.io.mmwrite(tmp_path / "m.mtx", MATRIX)
    with pytest.raises(FileFormatError, match="no columns to choose"):
        read_edges(tmp_path / "m.mtx", weight="weight")


NAME = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1)
WEIGHTS = st.floats(min_value=2**-20, max_value=2**20, width=32)
FORMATS = ["csv", "tsv", "csv.gz", "tsv.zst", "parquet"]


@settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(data=st.data(), name=st.sampled_from(FORMATS), directed=st.booleans())
def test_any_graph_comes_back(tmp_path, data, name, directed):
    ids = data.draw(st.sampled_from(["int", "str"]))
    nodes = data.draw(
        st.lists(
            st.integers(-(2**63), 2**63 - 1) if ids == "int" else NAME.map("n".__add__),
            min_size=1,
            max_size=8,
            unique=True,
        )
    )
    edge = st.tuples(st.sampled_from(nodes), st.sampled_from(nodes), WEIGHTS, NAME)
    columns = zip(*data.draw(st.lists(edge, min_size=1, max_size=20)), strict=True)
    sources, targets, weights, relations = map(list, columns)
    graph = Graph.from_edges(
        sources,
        targets,
        weights if data.draw(st.booleans()) else None,
        relations=relations if data.draw(st.booleans()) else None,
        directed=directed,
    )
    path = tmp_path / f"e.{name}"
    write_edges(graph, path)
    assert same(read_edges(path, directed=directed), graph)


@settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(data=st.data())
def test_any_whitespace_list_is_read(tmp_path, data):
    blank = st.text(" \t", min_size=1, max_size=3)
    number = st.integers(-(10**6), 10**6)
    edges = data.draw(st.lists(st.tuples(number, number), min_size=1, max_size=20))
    lines = []
    for u, v in edges:
        lines += data.draw(st.lists(st.sampled_from(["", "# c", "%", " \t"]), max_size=2))
        before, after = (data.draw(blank) if data.draw(st.booleans()) else "" for _ in range(2))
        lines.append(f"{before}{u}{data.draw(blank)}{v}{after}")
    path = tmp_path / "e.txt"
    path.write_bytes(data.draw(st.sampled_from(["\n", "\r\n"])).join(lines).encode())
    assert same(read_edges(path), Graph.from_edges(*zip(*edges, strict=True)))


@pytest.mark.parametrize("name", ["g.graphml", "g.json", "g.gml.gz", "g.npz", "g.xlsx"])
def test_other_formats_are_not_taken_for_edges(tmp_path, name):
    (tmp_path / name).write_bytes(b"a b\nb c\n")
    with pytest.raises(FileFormatError, match="no list of edges, by its name"):
        read_edges(tmp_path / name)


@pytest.mark.parametrize("suffix", [".parquet", ".feather"])
def test_columns_of_one_name(tmp_path, suffix):
    table = pa.Table.from_arrays([pa.array([n]) for n in (9, 3, 1, 2)], ["b", "a", "a", "b"])
    path = tmp_path / f"e{suffix}"
    write = pq.write_table if suffix == ".parquet" else pyarrow.feather.write_feather
    write(table, str(path))
    assert read_edges(path, source=1, target=2).nodes.tolist() == [1, 3]
    assert read_edges(path, source=3, target=2).nodes.tolist() == [1, 2]
    assert read_edges(path, source="a", target="b").nodes.tolist() == [3, 9]
