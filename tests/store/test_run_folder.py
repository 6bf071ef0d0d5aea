import numpy as np
import pytest

from graphembed.exceptions import StoreError
from graphembed.store import cadence
from graphembed.store.cadence import SHARE
from graphembed.store.journal import Commit
from graphembed.store.run_folder import open_run
from graphembed.store.tables import Version

SHAPES = [((4,),), ((3,),)]


def start(partition, tables):
    tables[0][:] = partition


def opened(folder, **changes):
    options = {"capacity": 2, "initialise": start, "resume": False, "checkpoint_every": 60.0}
    return open_run(folder, SHAPES, {"seed": 1}, **(options | changes))


def commit(versions: tuple[Version, ...]) -> Commit:
    return Commit(0, 1, versions)


def test_a_run_goes_on_where_it_was_committed(tmp_path):
    with opened(tmp_path / "a" / "run") as run:
        assert run.start is None
        for partition, tables in run.load((0, 1), ()).items():
            np.testing.assert_array_equal(tables[0], partition)
            tables[0][:] += 10
        run.step_done(commit)
        run.finish(commit)
    with opened(tmp_path / "a" / "run", resume=True) as run:
        assert run.start == commit(run.start.versions)
        for partition, tables in run.load((0, 1), ()).items():
            np.testing.assert_array_equal(tables[0], partition + 10)


def test_what_was_not_committed_is_forgotten(tmp_path):
    with opened(tmp_path) as run:
        run.load((0, 1), ())[0][0][:] = 7
        run.step_done(commit)
        run.buffer.flush()
        assert {path.suffix for path in tmp_path.iterdir()} == {"", ".f32"}
    with opened(tmp_path, resume=True) as run:
        assert [path.name for path in tmp_path.iterdir()] == ["journal"]
        np.testing.assert_array_equal(run.load((0, 1), ())[0][0], 0)
        np.testing.assert_array_equal(run.read(1, run.tables.new_buffer())[0], 1)


def test_checkpoints_are_made_in_time_and_not_too_often(tmp_path, monkeypatch):
    now = 0.0
    monkeypatch.setattr(cadence.time, "monotonic", lambda: now)
    commits: list[float] = []

    def slow(versions: tuple[Version, ...]) -> Commit:
        nonlocal now
        commits.append(now)
        now += 5  # seconds that a checkpoint takes
        return commit(versions)

    with opened(tmp_path) as run:
        run.load((0, 1), ())
        for _ in range(400):
            run.step_done(slow)
            now += 1
    gaps = np.diff(commits)
    assert commits[0] == 60
    assert np.all(gaps == 5 + 5 * SHARE)


def test_zero_seconds_make_a_checkpoint_after_every_step(tmp_path):
    with opened(tmp_path, checkpoint_every=0) as run:
        for number in range(1, 4):
            run.load((0, 1), ())
            run.step_done(commit)
            names = sorted(path.name for path in tmp_path.iterdir())
            assert {f"part-000{p}.v{number}.f32" for p in (0, 1)} <= set(names)


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(StoreError, match=r"file/run cannot be made: Not a directory"),
        opened(tmp_path / "file" / "run"),
    ):
        pass


def test_a_run_that_goes_on_is_not_discarded(tmp_path):
    with (
        opened(tmp_path / "run") as run,
        pytest.raises(StoreError, match="is being written by another process"),
    ):
        run.discard()
    run.discard()
    assert not (tmp_path / "run").exists()
