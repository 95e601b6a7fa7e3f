"""Standing rules of one library: made, tried, run on photos that came in or on all, and undone."""

import datetime
import logging
import threading
from collections.abc import Callable, Sequence

from scene_model.classifier.model import CurrentModel
from scene_model.classifier.vocabulary import fold
from scene_model.errors import InvalidRule, RuleNotFound, SceneError
from scene_model.export.sorting.file_system import SortFileSystem
from scene_model.library.edits import clean_tag
from scene_model.library.own_labels import LibraryModel
from scene_model.library.rules.dry_run import DryRun, dry_run
from scene_model.library.rules.rule_actions import Action, ActionKind
from scene_model.library.rules.rule_passes import has_new_photos, run_on_all, run_on_new
from scene_model.library.rules.rule_rows import (
    Rule,
    activate_rule,
    all_rules,
    change_rule,
    create_rule,
    find_rule,
)
from scene_model.library.rules.run_copies import try_copies_again
from scene_model.library.rules.run_rows import RuleRun, find_run
from scene_model.library.rules.run_sidecars import try_sidecars_again
from scene_model.library.store import Library
from scene_model.rules.copies import COPYING, RuleCopier, checked_copy
from scene_model.rules.sidecars import WRITING_SIDECARS, RuleSidecars
from scene_model.rules.undo import UndoneRun, undo_with_files
from scene_model.search.query_reader import Condition, QueryReader

EXAMPLE_COUNT = 12

logger = logging.getLogger(__name__)


class RuleRunner:
    """Makes, tries, runs and undoes the rules of one library; thread-safe.

    Pausing, moving and deleting rules needs no query and no file: `library.rules` does it directly.
    """

    def __init__(
        self,
        library: Library,
        model: CurrentModel,
        today: Callable[[], datetime.date] = datetime.date.today,
        require_personal: Callable[[str], None] = lambda _: None,
        file_system: SortFileSystem | None = None,
    ) -> None:
        """Set up.

        today: returns the day that ``taken:today`` means when a rule runs. require_personal: raises
        NotForVisitors on a shared server, where rules write no files, see `Settings`. file_system:
        writes the files.
        """
        self._require_personal = require_personal
        self._copier = RuleCopier(library, model, file_system, require_personal)
        self._sidecars = RuleSidecars(library, model, file_system, require_personal)
        self._library, self._today = library, today
        self._model = LibraryModel(library, model)
        self._reader = QueryReader(library, self._model, for_rules=True)
        self._lock = threading.Lock()

    def check_query(self, query: str) -> None:
        """Raise QueryError for a query that cannot be read."""
        self._condition_of(query)

    def create(self, name: str, query: str, actions: Sequence[Action]) -> int:
        """Store a rule, paused until its dry run was looked at; returns its id.

        Raises QueryError, InvalidTag, InvalidRule or RuleNameTaken.
        """
        self.check_query(query)
        return create_rule(self._library, name, query, self._canonical(actions))

    def change(self, rule_id: int, name: str, query: str, actions: Sequence[Action]) -> None:
        """Change a rule, which pauses it unless only its name changes; raises as `create`."""
        self.check_query(query)
        change_rule(self._library, rule_id, name, query, self._canonical(actions))

    def dry_run(self, rule_id: int, example_count: int = EXAMPLE_COUNT) -> DryRun:
        """Return what a rule would do with the photos that match it now; raises RuleNotFound."""
        shown = dry_run(self._library, rule_id, self._condition_of, example_count)
        return self._sidecars.preview(self._copier.preview(shown))

    def activate(self, shown: DryRun) -> None:
        """Make a rule active for the photos that come in from now on.

        shown: its dry run. Raises RuleNotFound, or InvalidRule for one that failed, or when the
        rule was changed since.
        """
        if shown.failure is not None:
            raise InvalidRule(f"The rule cannot run. {shown.failure}")
        self.run_new()  # photos that came in before are no matter of this rule
        activate_rule(self._library, shown.rule)
        try_copies_again(self._library, shown.rule)
        try_sidecars_again(self._library, shown.rule)
        self._finish_files()

    def find(self, name: str) -> Rule:
        """Return the rule of a name, in any case; raises RuleNotFound."""
        rules = all_rules(self._library)
        for rule in rules:
            if fold(rule.name) == fold(name):
                return rule
        names = ", ".join(f"“{rule.name}”" for rule in rules) or "none yet"
        raise RuleNotFound(f"There is no rule “{name}”. Rules: {names}.")

    def run_new(self) -> list[RuleRun]:
        """Run the active rules on the photos that came in; what fails is logged and tried again.

        Then write the copies and sidecars that runs have left to write.
        """
        runs = self._run_new()
        self._finish_files()
        return self._current(runs)

    def _run_new(self) -> list[RuleRun]:
        try:
            with self._lock:
                runs = []
                while has_new_photos(self._library):
                    runs += run_on_new(self._library, self._condition_of)
                return runs
        except SceneError as error:
            logger.warning("rules were not run; the next photos or start try again: %s", error)
        except Exception:
            logger.exception("rules were not run; the next photos or start try again")
        return []

    def run_all(self, rule_ids: Sequence[int] | None = None) -> list[RuleRun]:
        """Run rules on all photos that match now, in their order. rule_ids: None for active ones.

        A kill leaves each rule run or not begun; the next start writes the copies and sidecars that
        are left. A rule that cannot run is paused. Raises RuleNotFound.
        """
        for rule_id in rule_ids or ():
            find_rule(self._library, rule_id)
        with self._lock:
            in_order = [
                rule.id
                for rule in all_rules(self._library)
                if (rule.is_active if rule_ids is None else rule.id in rule_ids)
            ]
            runs = [run_on_all(self._library, n, self._condition_of) for n in in_order]
        self._finish_files()
        return self._current([run for run in runs if run is not None])

    def undo(self, run_id: int) -> UndoneRun:
        """Undo a run and remove its copies and sidecars; raises RuleNotFound."""
        return undo_with_files(self._library, run_id)

    def _finish_files(self) -> None:
        for writer in (self._copier, self._sidecars):
            try:
                writer.finish()
            except (SceneError, OSError) as error:
                logger.warning(
                    "rules could not write files; the next photos or start try again: %s", error
                )

    def _current(self, runs: Sequence[RuleRun]) -> list[RuleRun]:
        """Return runs as they are after their files were written."""
        return [find_run(self._library, run.id) for run in runs]

    def _condition_of(self, query: str) -> Condition | None:
        return self._reader.where(query, self._today())

    def _canonical(self, actions: Sequence[Action]) -> list[Action]:
        """Return actions with the labels, and the folder, that the typed ones stand for."""
        return list(map(self._canonical_action, actions))

    def _canonical_action(self, action: Action) -> Action:
        if action.kind in (ActionKind.TAG, ActionKind.CLASS):
            label = self._model.vocabulary.canonical(clean_tag(action.value))
            return Action(action.kind, label)
        if action.kind is ActionKind.COPY:
            self._require_personal(COPYING)
            return checked_copy(action)
        if action.kind is ActionKind.SIDECAR:
            self._require_personal(WRITING_SIDECARS)
            return Action(action.kind)
        return action
