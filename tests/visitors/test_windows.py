"""The visitor of each window."""

from scene_model.visitors.windows import Windows


def test_a_window_belongs_to_its_last_visitor() -> None:
    windows = Windows()
    windows.note("w1", "a")
    windows.note("w2", "a")
    windows.note("w1", "b")
    assert windows.owner("w1") == "b"
    assert windows.of("a") == ["w2"]
    assert windows.owner("w3") is None


def test_the_oldest_windows_are_dropped() -> None:
    windows = Windows(max_windows=2)
    for window in ("w1", "w2", "w1", "w3"):
        windows.note(window, "a")
    assert windows.of("a") == ["w1", "w3"]
