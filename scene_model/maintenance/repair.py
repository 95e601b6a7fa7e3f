"""Repair the problems that `verify` finds, without deleting anything.

Files and rows that belong to no photo are moved to LIBRARY/trash/orphans-DATE/, from where a
person can take them back. Thumbnails and embeddings are recreated from intact originals.
"""

import datetime
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from scene_model.errors import SceneError
from scene_model.library.embeddings.backbone_embeddings import forget_damaged
from scene_model.library.inventory import files_of, stored_photos
from scene_model.library.store import Library
from scene_model.library.trash import finish_emptying, trash_dir
from scene_model.maintenance.problems import Problem

RecomputeEmbedding = Callable[[str], None]
"""Classifies the photo with this id again and stores its embedding; raises SceneError."""


def _orphans_dir_name() -> str:
    return f"orphans-{datetime.datetime.now().astimezone():%Y-%m-%dT%H%M%S}"


@dataclass(frozen=True)
class Repair:
    """One repair run; its orphans folder is created when the first orphan is moved."""

    library: Library
    recompute_embedding: RecomputeEmbedding | None
    _dir_name: str = field(default_factory=_orphans_dir_name)

    @property
    def existing_orphans_dir(self) -> Path | None:
        """The orphans folder; None when nothing was moved."""
        return self._orphans_dir if self._orphans_dir.is_dir() else None

    @property
    def _orphans_dir(self) -> Path:
        return trash_dir(self.library) / self._dir_name

    def finish_emptying(self) -> None:
        """Finish an interrupted emptying of the trash."""
        finish_emptying(self.library)

    def recreate(self, problem: Problem) -> Problem:
        """Recreate a thumbnail or an embedding; returns the problem with an updated message.

        The row of an embedding for the search is deleted, so that the next job computes it.
        """
        if problem.photo is None:
            return problem
        try:
            if problem.code in ("missing_thumbnail", "damaged_thumbnail"):
                self.library.files.recreate_thumbnail(self.library.photo(problem.photo))
            elif problem.code in ("missing_frames", "damaged_frames"):
                self.library.files.recreate_frames(self.library.photo(problem.photo))
            elif problem.code == "missing_embedding" and self.recompute_embedding is not None:
                self.recompute_embedding(problem.photo)
            elif problem.code == "missing_search_embedding":
                forget_damaged(self.library, problem.photo)
                message = f"{problem.message} It is no longer listed."
                return replace(problem, message=message, is_repaired=True)
            else:
                return problem
        except (SceneError, OSError) as error:
            return replace(problem, message=f"{problem.message} It cannot be recreated: {error}")
        return replace(problem, message=f"{problem.message} Recreated.", is_repaired=True)

    def move_rows(self, problem: Problem, table: str, row_ids: Sequence[int]) -> Problem:
        """Move rows to TABLE.jsonl in the orphans folder."""
        file = self._orphans_dir / f"{table}.jsonl"
        try:
            self._write_and_delete(file, table, row_ids)
        except OSError as error:
            message = f"{problem.message} They cannot be moved: {error.strerror or error}."
            return replace(problem, message=message)
        return replace(
            problem, message=f"{problem.message} Moved to {file.name}.", is_repaired=True
        )

    def move_photo_row(self, problem: Problem, photo_id: str) -> Problem:
        """Move the row of a photo to photos.jsonl; tags and decisions are deleted with it."""
        with self.library.database.reader.begin() as connection:
            query = "SELECT number FROM photos WHERE id = ?"
            numbers = list(connection.exec_driver_sql(query, (photo_id,)).scalars())
        return self.move_rows(problem, "photos", numbers)

    def _write_and_delete(self, file: Path, table: str, row_ids: Sequence[int]) -> None:
        with self.library.database.writer.begin() as connection:
            # Table names come from SQLite itself.
            query = f"SELECT * FROM {table} WHERE rowid = ?"  # noqa: S608
            rows = [
                row._asdict()
                for row_id in row_ids
                for row in connection.exec_driver_sql(query, (row_id,))
            ]
            file.parent.mkdir(parents=True, exist_ok=True)
            lines = "".join(f"{json.dumps(row, default=str)}\n" for row in rows)
            with file.open("a", encoding="utf-8") as opened:
                opened.write(lines)
            for row_id in row_ids:
                connection.exec_driver_sql(f"DELETE FROM {table} WHERE rowid = ?", (row_id,))  # noqa: S608

    def move_orphan(self, problem: Problem, path: Path) -> Iterator[Problem]:
        """Move an orphan to the orphans folder; yields nothing if it has a row by now."""
        # With the write lock that adding takes, so that no row is written in between.
        with self.library.database.writer.begin() as connection:
            photo = stored_photos(connection, path.name.partition(".")[0])
            if photo and path in files_of(self.library, photo[0]):
                return
            try:
                target = self._move(path)
            except FileNotFoundError:
                return
            except OSError as error:
                message = f"{problem.message} It cannot be moved: {error.strerror}."
                yield replace(problem, message=message)
                return
        relative = target.relative_to(self.library.folder)
        yield replace(problem, message=f"{problem.message} Moved to {relative}.", is_repaired=True)

    def _move(self, path: Path) -> Path:
        """Move a file of the library, keeping its path relative to the library folder."""
        target = self._orphans_dir / path.relative_to(self.library.folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        return path.rename(target)
