"""Memory that requests are lent for their photos."""

from scene_model.api.desk import Memory


def test_what_is_lent_comes_back() -> None:
    memory = Memory(100)
    with memory.lent(60) as first, memory.lent(60) as second, memory.lent(40) as third:
        assert (first, second, third) == (True, False, True)
        with memory.lent(1) as more:
            assert not more
    with memory.lent(0) as unknown, memory.lent(101) as larger, memory.lent(100) as everything:
        assert (unknown, larger, everything) == (False, False, True)
