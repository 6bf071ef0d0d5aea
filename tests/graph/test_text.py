import weakref

import numpy as np
import pytest

from graphembed import read_edges
from graphembed.exceptions import FileFormatError
from graphembed.graph import blocks
from graphembed.graph import text as reading


@pytest.fixture
def write(tmp_path):
    def write(text, name="edges.csv"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def pairs(graph):
    return graph.node_index.take(graph.edges()).tolist()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("e.csv", "1,2\n3,4\n"),
        ("e.csv", "1,2\r\n3,4"),
        ("e.csv", "\ufeff1,2\n\n \n3,4\n\n"),
        ("e.csv", '"1","2"\n"3", 4\n'),
        ("e.csv", "source,target\n1,2\n3,4\n"),
        ("e.csv", "# made by hand\n\n% twice\nid_1,id_2\n1,2\n3,4\n"),
        ("e.csv", "1.0,2.0\n3,4.\n"),
        ("e.tsv", "1\t2\n3\t4\n"),
        ("e.tsv", "1\t2 \n 3\t4\n"),
        ("e.txt", "# SNAP\n# FromNodeId\tToNodeId\n1\t2\n3\t4\n"),
        ("out.konect", "% sym unweighted\n% 2 4 4\n1 2 \n3 4 \n"),
        ("e.edges", "1   2\n\n  # between\n\t3 \t 4  \n"),
        ("e.edgelist", "1 2 {}\n3 4 {}\n"),
        ("e.el", "1 2 0.5\t7\n% x\n3 4 1\t8\n"),
        ("e", "1;2\n3;4\n"),
    ],
)
def test_the_same_edges_in_many_forms(write, name, text):
    graph = read_edges(write(text, name))
    assert pairs(graph) == [[1, 2], [3, 4]]
    assert not graph.weighted
    assert not graph.directed


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("1,2\n3,10\n", [1, 2, 3, 10]),
        ("1,x\n2,3\n", ["1", "2", "3", "x"]),
        ("1,x\nx,1\n", ["1", "x"]),
        ("007,7\n1,2\n", ["007", "1", "2", "7"]),
        ("1,2\n-01,3\n", ["-01", "1", "2", "3"]),
        ("0,1\n10,-5\n", [-5, 0, 1, 10]),
        ("1,9223372036854775808\n2,3\n", ["1", "2", "3", "9223372036854775808"]),
        ("1.0,1.5\n1.10,2\n", ["1.0", "1.10", "1.5", "2"]),
        ("NA,null\nnan,true\n", ["NA", "nan", "null", "true"]),
        ("a , b\n c,a\n", ["a", "b", "c"]),
        ('"a,b",c\n"say ""hi""",c\n', ["a,b", "c", 'say "hi"']),
        ("zoë,東京\n", ["zoë", "東京"]),
        ("a,#b\n#c,%d\n", ["#b", "#c", "%d", "a"]),
    ],
)
def test_ids_are_all_ints_or_all_strings(write, text, ids):
    assert read_edges(write(text), header=False).nodes.tolist() == ids


def test_leading_zeros_of_a_column_that_is_not_an_id_do_no_harm(write):
    graph = read_edges(write("1,2,00:05\n3,4,007\n"))
    assert graph.nodes.tolist() == [1, 2, 3, 4]


def test_quotes_in_a_whitespace_list_are_letters(write):
    graph = read_edges(write('"a b\nc" d\n', "e.txt"))
    assert graph.nodes.tolist() == ['"a', "b", 'c"', "d"]


def test_a_tab_separated_list_keeps_spaces_in_ids(write):
    graph = read_edges(write("new york\tboston\nsan diego\tboston\n", "e.txt"))
    assert graph.nodes.tolist() == ["boston", "new york", "san diego"]


def test_an_unused_field_may_go_over_lines(write):
    graph = read_edges(write('source,target,note\na,b,"one\ntwo"\nc,d,"x"\n'))
    assert pairs(graph) == [["a", "b"], ["c", "d"]]


def test_weight_and_relation(write):
    text = "relation,weight,to,from\nlikes,2,b,a\nknows,0.5,c,a\nlikes,1,a,b\n"
    graph = read_edges(write(text), directed=True)
    assert graph.relations == ("knows", "likes")
    assert graph.triples().tolist() == [[0, 1, 1], [0, 0, 2], [1, 1, 0]]
    assert graph.edge_weights().tolist() == [2, 0.5, 1]
    bare = read_edges(write(text), weight=False, relation=False)
    assert not bare.weighted
    assert bare.relations is None


def test_number_relations_are_named_in_number_order(write):
    graph = read_edges(write("a\t10\tb\na\t9\tb\n", "e.tsv"), source=0, relation=1, target=2)
    assert graph.relations == ("9", "10")


def test_a_third_column_is_a_weight_only_when_it_is_said(write):
    path = write("1 2 0.5\n2 3 4\n", "e.txt")
    assert not read_edges(path).weighted
    assert read_edges(path, weight=2).edge_weights().tolist() == [0.5, 4]


def test_nodes_give_the_order_and_the_kind(write):
    path = write("1,2\n3,1\n")
    assert read_edges(path, nodes=[3, 2, 1, 0]).nodes.tolist() == [3, 2, 1, 0]
    graph = read_edges(path, nodes=["3", "2", "1", "0"])
    assert pairs(graph) == [["3", "1"], ["2", "1"]]
    with pytest.raises(KeyError, match="3"):
        read_edges(path, nodes=[1, 2])


@pytest.mark.parametrize(
    ("name", "text", "line", "problem"),
    [
        (
            "e.csv",
            "# c\n\na,b\n1,2\n3\n4,5\n",
            5,
            "expected 2 fields as in the first line, found 1",
        ),
        ("e.csv", "1,2\n3,4,5\n", 2, "found 3"),
        ("e.csv", "source,target\n1,2\n3,4,5\n", 3, "found 3"),
        ("e.txt", "1 2\n# c\n3  4   5\n", 3, "found 3"),
        ("e.txt", "1 2\n# c\n3\n", 3, "found 1"),
        ("e.csv", "1,2\n,4\n", 2, "the source is empty"),
        ("e.csv", "1,2\n3,\n", 2, "the target is empty"),
        ("e.csv", 'a,b\na,"  "\n', 2, "the target is empty"),
        ("e.tsv", "a\t\n", 1, "the target is empty"),
        (
            "e.csv",
            "source,target,weight\n1,2,3\n1,2,x\n",
            3,
            "the weight 'x' is not a finite number",
        ),
        ("e.csv", "source,target,weight\n1,2,\n", 2, "the weight is empty"),
        ("e.csv", "source,target,weight\n1,2,3\n1,2,NaN\n", 3, "'NaN' is not a finite number"),
        ("e.csv", "source,target,weight\n\n1,2,-inf\n", 3, "'-inf' is not a finite number"),
        ("e.csv", "source,target,weight\n1,2,1e39\n", 2, "too large for float32"),
        ("e.csv", "source,target,weight\n1,2,1e400\n", 2, "too large for float32"),
        ("e.csv", "source,target,relation\n1,2,a\n1,2,\n", 3, "the relation is empty"),
        ("e.csv", 'source,target,x\n1,2,"a\n\nb"\n1,2\n', 5, "found 2"),
        ("e.csv", "1,2\na,b\n", None, None),
        ("e.csv", b"a,b\ncaf\xe9,b\n", 2, "the source is not UTF-8"),
        ("e.csv", b"a,b\r\n\r\nc\r\n", 3, "found 1"),
    ],
)
def test_a_bad_line_is_named(write, name, text, line, problem):
    path = write(text, name)
    if line is None:
        assert read_edges(path, header=False).n_edges == 2
        return
    with pytest.raises(FileFormatError) as caught:
        read_edges(path)
    message = str(caught.value)
    assert message.startswith(f"{path}, line {line}: ")
    assert problem in message


def test_a_bad_line_is_shown_and_cut(write):
    with pytest.raises(FileFormatError, match=r"The line is '3,4,x{96}\.\.\.'"):
        read_edges(write("1,2\n3,4," + "x" * 500))


def test_a_bad_line_far_down_is_named(write, monkeypatch):
    monkeypatch.setattr(blocks, "_SIZE", 1000)
    lines = [f"{i} {i + 1}" for i in range(20_000)]
    lines[15_000] = "15000"
    with pytest.raises(FileFormatError, match="line 15001: expected 2 fields"):
        read_edges(write("\n".join(lines), "e.txt"))


@pytest.mark.parametrize("size", [64, 1000, 1 << 22])
def test_the_size_of_the_blocks_changes_nothing(write, monkeypatch, size):
    monkeypatch.setattr(blocks, "_SIZE", size)
    rng = np.random.default_rng(0)
    edges = rng.integers(0, 1000, (5000, 2))
    text = "".join(f"# {i}\n{u}  {v}\t \n\n" for i, (u, v) in enumerate(edges.tolist()))
    graph = read_edges(write(text, "e.txt"), directed=True, nodes=np.arange(1000))
    np.testing.assert_array_equal(graph.edges(), np.unique(edges, axis=0))


def test_a_string_far_down_makes_all_ids_strings(write):
    text = "".join(f"{i},{i + 1}\n" for i in range(1_000))
    assert read_edges(write(text)).node_index.kind == "range"
    graph = read_edges(write(text + "x,1\n"))
    assert graph.node_index.kind == "str"
    assert graph.n_nodes == 1002


@pytest.mark.parametrize("content", ["1,2\n3,4\n", "1,2\n" * 300_000])
def test_no_thread_holds_the_stream_when_the_graph_is_there(write, monkeypatch, content):
    """If Python ended while one does, it would end by a signal."""
    streams = []

    class Watched(blocks.BlockStream):
        def __init__(self, *args):
            super().__init__(*args)
            streams.append(weakref.ref(self))

    monkeypatch.setattr(reading, "BlockStream", Watched)
    monkeypatch.setattr(blocks, "PATIENCE", 60)
    read_edges(write(content))
    assert streams
    assert all(stream() is None for stream in streams)
