"""Photos kept in memory as they come."""

from hypothesis import given
from hypothesis import strategies as st

from scene_model.api.request.memory_file import MemoryFile


@given(st.lists(st.binary(max_size=50) | st.integers(0, 3000).map(bytes)))
def test_what_was_written_is_read_as_often_as_wanted(pieces: list[bytes]) -> None:
    with MemoryFile() as file:
        for piece in pieces:
            assert file.write(memoryview(piece)) == len(piece)
        assert file.read() == file.read() == b"".join(pieces)
