import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.testing import assert_array_equal

from graphembed.exceptions import FileFormatError, GraphError
from graphembed.vectors import Vectors

IDS = {
    "range": list(range(40)),
    "int": [3 * i - 7 for i in range(40)],
    "str": [f"nœud-{i}" for i in range(40)],
}


def _vectors(kind="str", dtype=np.float32, geometry="cosine"):
    matrix = np.random.default_rng(0).standard_normal((40, 5)).astype(dtype)
    return Vectors(IDS[kind], matrix, geometry=geometry)


def _same(left, right):
    assert left.node_index == right.node_index
    assert left.geometry == right.geometry
    assert left.matrix.dtype == right.matrix.dtype
    assert_array_equal(left.matrix, right.matrix)


@pytest.mark.parametrize("kind", sorted(IDS))
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_parquet_round_trip(tmp_path, kind, dtype):
    vectors = _vectors(kind, dtype, "euclidean")
    vectors.to_parquet(tmp_path / "v.parquet")
    _same(Vectors.from_parquet(tmp_path / "v.parquet"), vectors)
    assert Vectors.from_parquet(tmp_path / "v.parquet", geometry="dot").geometry == "dot"
    assert [path.name for path in tmp_path.iterdir()] == ["v.parquet"]


def test_parquet_schema_is_what_other_tools_expect(tmp_path):
    _vectors().to_parquet(tmp_path / "v.parquet")
    schema = pq.read_schema(tmp_path / "v.parquet")
    assert schema.field("node").type == pa.string()
    assert schema.field("vector").type == pa.list_(pa.float32(), 5)
    assert b'"geometry": "cosine"' in schema.metadata[b"graphembed"]
    frame = pl.read_parquet(tmp_path / "v.parquet")
    assert_array_equal(frame["vector"].to_numpy(), _vectors().matrix)
    assert pd.read_parquet(tmp_path / "v.parquet")["node"].tolist() == IDS["str"]
    _vectors("range").to_parquet(tmp_path / "v.parquet")
    assert pq.read_schema(tmp_path / "v.parquet").field("node").type == pa.int64()


def test_parquet_of_several_row_groups(tmp_path):
    matrix = np.arange(140_000, dtype=np.float32).reshape(70_000, 2)
    vectors = Vectors([f"n{i}" for i in range(70_000)], matrix)
    vectors.to_parquet(tmp_path / "v.parquet")
    assert pq.ParquetFile(tmp_path / "v.parquet").num_row_groups == 2
    _same(Vectors.from_parquet(tmp_path / "v.parquet"), vectors)


def test_foreign_parquet(tmp_path):
    path = tmp_path / "foreign.parquet"
    pl.DataFrame({"word": ["a", "b"], "embedding": [[1.0, 2.0], [3.0, 4.0]]}).write_parquet(path)
    vectors = Vectors.from_parquet(path)
    assert vectors.nodes.tolist() == ["a", "b"]
    assert_array_equal(vectors.matrix, [[1, 2], [3, 4]])
    assert vectors.geometry == "cosine"


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"node": [1, 2], "x": [1.0, 2.0]}, "must have a column 'node'.*found node: int64, x"),
        ({"a": [1, 2], "b": [1, 2], "vector": [[1.0], [2.0]]}, "must have a column 'node'"),
        ({"node": [1, 2], "vector": [[1.0], [2.0, 3.0]]}, "vectors of different lengths"),
        ({"node": [1, 2], "vector": [[1.0], None]}, "missing vectors"),
        ({"node": [1, 2], "vector": [[1.0], [None]]}, "missing vectors"),
        ({"node": [1, 2], "vector": pa.array([[], []], pa.list_(pa.float32()))}, "empty vectors"),
        ({"node": [1, 1], "vector": [[1.0], [2.0]]}, "distinct"),
    ],
)
def test_parquet_without_usable_columns(tmp_path, columns, message):
    pq.write_table(pa.table(columns), tmp_path / "bad.parquet")
    with pytest.raises(FileFormatError, match=message):
        Vectors.from_parquet(tmp_path / "bad.parquet")


def test_parquet_with_metadata_of_another_kind(tmp_path):
    table = pa.table({"node": [1], "vector": [[1.0]]}, metadata={"graphembed": "[]"})
    pq.write_table(table, tmp_path / "bad.parquet")
    with pytest.raises(FileFormatError, match="metadata of graphembed that cannot be read"):
        Vectors.from_parquet(tmp_path / "bad.parquet")


def test_parquet_that_is_damaged_or_missing(tmp_path):
    path = tmp_path / "v.parquet"
    _vectors().to_parquet(path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(FileFormatError, match="cannot be read as a Parquet file"):
        Vectors.from_parquet(path)
    with pytest.raises(FileNotFoundError, match="There is no file"):
        Vectors.from_parquet(tmp_path / "none.parquet")
    with pytest.raises(FileNotFoundError, match="does not exist; make it first"):
        _vectors().to_parquet(tmp_path / "none" / "v.parquet")


@pytest.mark.parametrize("kind", sorted(IDS))
@pytest.mark.parametrize("mmap_mode", [None, "r"])
def test_npy_round_trip(tmp_path, kind, mmap_mode):
    vectors = _vectors(kind, np.float64)
    vectors.to_npy(tmp_path / "v")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["v.ids.npy", "v.npy"]
    assert_array_equal(np.load(tmp_path / "v.ids.npy"), vectors.nodes.astype(type(IDS[kind][0])))
    _same(Vectors.from_npy(tmp_path / "v.npy", mmap_mode=mmap_mode), vectors)


def test_npy_without_ids_and_npy_that_is_no_npy(tmp_path):
    np.save(tmp_path / "m.npy", np.eye(3))
    assert Vectors.from_npy(tmp_path / "m.npy").node_index.kind == "range"
    np.save(tmp_path / "o.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(FileFormatError, match=r"o\.npy cannot be read"):
        Vectors.from_npy(tmp_path / "o.npy")
    with pytest.raises(GraphError, match="NUL"):
        Vectors(["a\0"], [[1.0]]).to_npy(tmp_path / "v")


def test_arrow_shares_the_matrix():
    vectors = _vectors()
    table = vectors.to_arrow()
    assert table.column_names == ["node", "vector"]
    flat = table["vector"].chunk(0).values.to_numpy()
    assert np.shares_memory(flat, vectors.matrix)


def test_frames():
    vectors = _vectors()
    frame = vectors.to_frame()
    assert isinstance(frame, pd.DataFrame)
    assert frame.columns.tolist() == ["v0", "v1", "v2", "v3", "v4"]
    assert_array_equal(frame.loc["nœud-7"].to_numpy(), vectors["nœud-7"])
    frame.iloc[0, 0] = 9
    assert vectors.matrix[0, 0] != 9
    polars = vectors.to_frame("polars")
    assert isinstance(polars, pl.DataFrame)
    assert polars.columns == ["node", "v0", "v1", "v2", "v3", "v4"]
    assert polars["node"].to_list() == IDS["str"]
    assert_array_equal(polars.drop("node").to_numpy(), vectors.matrix)
    assert _vectors("int").to_frame("polars")["node"].to_list() == IDS["int"]
    with pytest.raises(ValueError, match="Unknown backend 'spark'"):
        vectors.to_frame("spark")


def test_npy_that_is_no_matrix_of_numbers(tmp_path):
    for name, array in (
        ("ids", np.array([["a"]])),
        ("line", np.ones(3)),
        ("complex", 1j * np.eye(2)),
    ):
        np.save(tmp_path / f"{name}.npy", array)
        with pytest.raises(FileFormatError, match="must hold a matrix of real numbers"):
            Vectors.from_npy(tmp_path / f"{name}.npy")
    with pytest.raises(FileNotFoundError, match="There is no file"):
        Vectors.from_npy(tmp_path / "nothing.npy")


def test_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    vectors = Vectors(["a"], [[1.0]])
    for form, name in (("parquet", "v.parquet"), ("npy", "v.npy"), ("word2vec", "v.txt")):
        getattr(vectors, f"to_{form}")(f"~/{name}")
        assert (tmp_path / name).is_file()
        assert getattr(Vectors, f"from_{form}")(f"~/{name}").nodes.tolist() == ["a"]
