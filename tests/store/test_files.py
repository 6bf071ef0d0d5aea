import numpy as np
import pytest
from numpy.testing import assert_array_equal

from graphembed.exceptions import StoreError
from graphembed.store.files import NpyWriter, made_folder, make_folders, new_store, write_all


def test_an_array_in_pieces(tmp_path):
    with NpyWriter(tmp_path / "a.npy", np.int32, 6) as writer:
        for part in ([1, 2], [], np.array([3.0, 4.0]), np.arange(10)[5:9:2]):
            writer.append(part)
    array = np.load(tmp_path / "a.npy", mmap_mode="r")
    assert_array_equal(array, [1, 2, 3, 4, 5, 7])
    assert array.dtype == np.int32
    with NpyWriter(tmp_path / "empty.npy", np.float32, 0):
        pass
    assert np.load(tmp_path / "empty.npy").shape == (0,)


def test_an_array_of_another_length(tmp_path):
    writer = NpyWriter(tmp_path / "a.npy", np.int64, 3)
    writer.append([1])
    with pytest.raises(ValueError, match=r"a\.npy was to hold 2 more numbers"):
        writer.__exit__(None)
    with pytest.raises(FileExistsError):
        NpyWriter(tmp_path / "a.npy", np.int64, 3)


def test_files_that_take_little_at_a_time():
    class Slow:
        content = b""

        def write(self, data):
            self.content += bytes(data[:3])
            return min(3, len(data))

    file = Slow()
    write_all(file, np.arange(5, dtype=np.uint16))
    assert file.content == np.arange(5, dtype=np.uint16).tobytes()


def test_a_store_appears_whole_or_not_at_all(tmp_path):
    with new_store(tmp_path / "store") as building:
        (building / "csr" / "a").write_text("")
        assert not (tmp_path / "store").exists()
    assert [path.name for path in (tmp_path / "store").iterdir()] == ["csr"]

    def fail(folder):
        with new_store(folder):
            raise OSError(28, "No space left on device")

    with pytest.raises(StoreError, match=r"other could not be written and is not there: .*space"):
        fail(tmp_path / "other")
    assert [path.name for path in tmp_path.iterdir()] == ["store"]


def test_links_are_not_followed(tmp_path):
    make_folders(tmp_path / "real")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(StoreError, match="link exists already"), new_store(tmp_path / "link"):
        pass


def test_a_folder_is_made_or_the_error_says_why(tmp_path):
    assert made_folder(tmp_path / "a" / "b").is_dir()
    made_folder(tmp_path / "a")  # is there
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"file.x cannot be made"):
        made_folder(tmp_path / "file" / "x")
