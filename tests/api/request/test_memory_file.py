"""Received photos in memory."""

from hypothesis import given
from hypothesis import strategies as st

from scene_model.api.request.memory_file import MemoryFile


@given(st.lists(st.binary(max_size=50) | st.integers(0, 3000).map(bytes)))
def test_content_can_be_read_repeatedly(chunks: list[bytes]) -> None:
    with MemoryFile() as file:
        for chunk in chunks:
            assert file.write(memoryview(chunk)) == len(chunk)
        assert file.read() == file.read() == b"".join(chunks)
