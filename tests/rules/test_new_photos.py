"""Rules run by themselves on photos that come in, also after the program was killed before it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from scene_model.library.rules.rule_actions import Action, ActionKind
from scene_model.library.rules.rule_passes import has_new_photos
from scene_model.library.rules.rule_rows import all_rules, find_rule
from scene_model.library.rules.run_rows import latest_runs
from scene_model.library.rules.run_undo import undo_run
from scene_model.library.store import Library
from scene_model.maintenance.backup import write_backup
from scene_model.maintenance.restore import restore_backup
from scene_model.maintenance.verify import verify
from scene_model.services import Services, open_services
from tests.pictures import encode, textured

pytestmark = pytest.mark.slow

TAG_DOG = Action(ActionKind.TAG, "Rex")
Add = Callable[[list[tuple[str, bytes]]], list[str]]


def photo(seed: int) -> tuple[str, bytes]:
    return (f"dog {seed}.jpg", encode(textured(48, 32, seed=seed)))


def test_photos_that_are_added_are_handled(
    services: Services, add_photos: Add, tmp_path: Path
) -> None:
    add_photos([photo(1)])
    rule_id = services.rules.create("Dogs", "name:dog", [TAG_DOG])
    services.rules.activate(services.rules.dry_run(rule_id))
    (photo_id,) = add_photos([photo(2)])
    services.trips.wait()
    (run,) = latest_runs(services.library, 5)
    assert run.photo_count == 1
    assert "Rex" in services.library.photo(photo_id).shown_tags
    assert verify(services.library).problems == ()
    write_backup(services.library, tmp_path / "backup.zip")
    restore_backup(tmp_path / "backup.zip", tmp_path / "restored")
    with Library(tmp_path / "restored") as restored:
        assert all_rules(restored) == all_rules(services.library)
        assert undo_run(restored, run.id) == 1
        assert verify(restored).problems == ()
        assert "Rex" not in restored.photo(photo_id).shown_tags


def test_rules_of_a_backup_copy_nothing_before_somebody_says_so(
    services: Services, add_photos: Add, tmp_path: Path
) -> None:
    folder = tmp_path / "copies"
    folder.mkdir()
    rules = {
        "Copies": services.rules.create(
            "Copies", "name:dog", [Action(ActionKind.COPY, str(folder), "{name}")]
        ),
        "Dogs": services.rules.create("Dogs", "name:dog", [TAG_DOG]),
    }
    for rule_id in rules.values():
        services.rules.activate(services.rules.dry_run(rule_id))
    write_backup(services.library, tmp_path / "backup.zip")
    restore_backup(tmp_path / "backup.zip", tmp_path / "restored")
    with Library(tmp_path / "restored") as restored:
        active = {rule.name: rule.is_active for rule in all_rules(restored)}
        assert active == {"Copies": False, "Dogs": True}
        reason = find_rule(restored, rules["Copies"]).pause_reason
        assert reason is not None
        assert "restored from a backup" in reason


def test_a_start_handles_what_a_killed_process_left(
    services: Services, add_photos: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule_id = services.rules.create("Dogs", "name:dog", [Action(ActionKind.FAVOURITE)])
    services.rules.activate(services.rules.dry_run(rule_id))
    monkeypatch.setattr(services.trips, "request", lambda: None)
    (photo_id,) = add_photos([photo(3)])
    assert has_new_photos(services.library)
    started = open_services(services.settings, decoders=services.library.decoders)
    try:
        started.trips.wait()
        assert started.library.photo(photo_id).favourite
        assert not has_new_photos(started.library)
    finally:
        started.close()
