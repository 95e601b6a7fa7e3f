"""Check the rows of an intact database: random bytes can leave pages valid and values wrong.

SQLite's own check compares only what indexes repeat. Here the values are compared with the types
of their columns, and with whatever else repeats them: folded names, effective tags, counters. A
value that is stored once and stays possible, such as a width, cannot be checked.
"""

import sqlite3
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Boolean, Column, Float, Integer, LargeBinary, Table, Text
from sqlalchemy.types import TypeEngine

from scene_model.duplicates.hash_neighbours import bands_of
from scene_model.library.clutter.conditions import ClutterKind
from scene_model.library.database.schema import MOST_PHOTOS, metadata
from scene_model.library.database.sqlite_extensions import PathColumn, add_functions
from scene_model.library.photo_places import fold_place

_TYPES: tuple[tuple[type[TypeEngine[Any]], str], ...] = (
    (PathColumn, "'text', 'blob'"),
    (Text, "'text'"),
    (Boolean, "'integer'"),
    (Integer, "'integer'"),
    (Float, "'real', 'integer'"),
    (LargeBinary, "'blob'"),
)
_DERIVED_TAGS = """
    SELECT * FROM (SELECT a.label AS label, p.number, a.head, a.score
        FROM automatic_tags a JOIN photos p ON p.id = a.photo_id
        WHERE NOT EXISTS (SELECT 1 FROM tag_decisions d
            WHERE d.photo_id = a.photo_id AND d.label = a.label)
    UNION SELECT d.label, p.number, 'human', 1.0
        FROM tag_decisions d JOIN photos p ON p.id = d.photo_id WHERE d.verdict = 'added')"""
_HELD_TAGS = "SELECT label, photo, head, score FROM held_tags"
_CLUTTER_KINDS = ", ".join(f"'{kind}'" for kind in ClutterKind)
# Each with a query that counts the rows for which it is true.
_CONTRADICTIONS = {
    "the folded name of a photo is not that of its name": (
        "SELECT count(*) FROM photos WHERE folded_name IS NOT fold_case(name)"
    ),
    "the folded name of a saved search is not that of its name": (
        "SELECT count(*) FROM saved_searches WHERE folded_name IS NOT fold(name)"
    ),
    "the folded name of an album is not that of its name": (
        "SELECT count(*) FROM albums WHERE folded_name IS NOT fold(name)"
    ),
    "an album follows a search and has photos of its own": (
        "SELECT count(*) FROM albums WHERE query IS NOT NULL AND id IN "
        "(SELECT album_id FROM album_photos)"
    ),
    "a photo's class is not the one that was chosen for it": (
        "SELECT count(*) FROM photos p LEFT JOIN class_decisions d ON d.photo_id = p.id "
        "WHERE p.human_class IS NOT d.label"
    ),
    "a stack is shown by another photo than its pick": (
        "SELECT count(*) FROM stack_photos s WHERE tile IS NOT (SELECT m.photo FROM stack_photos m "
        "JOIN photos p ON p.number = m.photo WHERE m.stack_id = s.stack_id "
        "AND p.trashed_at IS NULL ORDER BY m.position, m.photo LIMIT 1)"
    ),
    "a stack is of a kind that there is not": (
        "SELECT count(*) FROM stacks WHERE made_by NOT IN ('program', 'person') OR kind NOT IN "
        "('raw_jpeg', 'live', 'edit', 'burst', 'bracket', 'panorama')"
    ),
    "the folded title of a trip is not that of its title": (
        "SELECT count(*) FROM trips WHERE folded_title IS NOT fold(title)"
    ),
    "two trips have the same title": (
        "SELECT count(*) FROM (SELECT folded_title FROM trips WHERE state <> 'ended' "
        "GROUP BY folded_title HAVING count(*) > 1)"
    ),
    "a trip is in a state or of a kind that there is not, or ends before it begins": (
        "SELECT count(*) FROM trips WHERE state NOT IN ('proposed', 'accepted', 'hidden', 'ended') "
        "OR kind NOT IN ('trip', 'day trip', 'time only') OR last_at < first_at OR home_km < 0 "
        "OR (first_at IS NULL) <> (last_at IS NULL)"
    ),
    "a photo is in a trip that ended, or on no day": (
        "SELECT count(*) FROM trip_photos p LEFT JOIN trips t ON t.id = p.trip_id "
        "WHERE t.state = 'ended' OR p.chapter < 0 "
        "OR p.day NOT GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]'"
    ),
    "the folded name of a rule is not that of its name": (
        "SELECT count(*) FROM rules WHERE folded_name IS NOT fold(name)"
    ),
    "a rule has no actions, no place, or a reason to be paused although it is active": (
        "SELECT count(*) FROM rules WHERE NOT json_valid(actions) OR position < 0 "
        "OR (is_active AND pause_reason IS NOT NULL)"
    ),
    "a run of a rule changed nothing, or stands although it was undone": (
        "SELECT count(*) FROM rule_runs r LEFT JOIN edits e ON e.id = r.edit_id "
        "WHERE r.photo_count < 1 OR e.undone_at IS NOT NULL "
        "OR (r.edit_id IS NOT NULL AND r.undone_at IS NOT NULL)"
    ),
    "a run of a rule copies to no folder, or is in a state that there is not": (
        "SELECT count(*) FROM rule_runs WHERE copy_state NOT IN "
        "('pending', 'failed', 'done', 'undoing', 'undone') "
        "OR (copy_state IS NULL) <> (copy_folder IS NULL) "
        "OR (copy_state IS NULL) <> (copy_layout IS NULL) "
        "OR (copy_state IS NULL) <> (copy_token IS NULL) OR copy_count < 0"
    ),
    "a sidecar of a rule is of a run that writes none, or its path or hash is none": (
        "SELECT count(*) FROM rule_sidecars s LEFT JOIN rule_runs r ON r.id = s.run_id "
        "WHERE r.sidecar_state IS NULL OR r.sidecar_state = 'undone' "
        "OR lower(s.path) NOT LIKE '%.xmp' OR length(s.sha256) <> 64 "
        "OR s.sha256 GLOB '*[^0-9a-f]*' OR length(s.token) <> 16 OR s.token GLOB '*[^0-9a-f]*'"
    ),
    "the sidecars of a run of a rule are in a state that there is not": (
        "SELECT count(*) FROM rule_runs WHERE sidecar_state NOT IN "
        "('pending', 'failed', 'done', 'undoing', 'undone') OR sidecar_count < 0"
    ),
    "a photo's number of decisions is wrong": (
        "SELECT count(*) FROM photos WHERE decided_tags <> "
        "(SELECT count(*) FROM tag_decisions WHERE photo_id = photos.id)"
    ),
    "a photo's automatic class is not that of the head it comes from": (
        "SELECT count(*) FROM photos WHERE NOT class_head_unsure AND (auto_class, "
        "auto_class_source, auto_class_score) IS NOT (class_head_label, class_head, confidence)"
    ),
    "a photo and its tags were tagged by different models": (
        "SELECT count(*) FROM automatic_tags a JOIN photos p ON p.id = a.photo_id "
        "WHERE a.head <> 'taught' AND a.bundle <> p.bundle"
    ),
    "a photo's embedding is another network's": (
        "SELECT count(*) FROM photos WHERE embedding_file IS NOT NULL AND "
        "embedding_file NOT GLOB coalesce(backbone, 'unknown') || '-[1-9]*'"
    ),
    "an embedding has no valid place, or the same as another one": (
        "SELECT (SELECT count(*) FROM backbone_embeddings b LEFT JOIN photos p ON "
        "p.number = b.photo WHERE slot < 0 OR file NOT GLOB '?*-[1-9]*' "
        "OR p.embedding_file IS b.file) + (SELECT count(*) FROM backbone_embeddings b "
        "JOIN photos p ON p.embedding_file = b.file AND p.embedding_slot = b.slot) + "
        "(SELECT count(*) FROM backbone_embeddings b JOIN free_slots f USING (file, slot))"
    ),
    "a photo's automatic class is not the one without the class head": (
        "SELECT count(*) FROM photos WHERE class_head_unsure AND (auto_class, auto_class_source, "
        "auto_class_score) IS NOT (fallback_class, fallback_class_source, fallback_class_score)"
    ),
    "a photo's automatic class is none of its tags": (
        # The class that an object gives is its group, which is no tag.
        "SELECT count(*) FROM photos p WHERE CASE fallback_class_source "
        "WHEN 'none' THEN fallback_class <> 'unsure' OR fallback_class_score <> 0 ELSE NOT EXISTS "
        "(SELECT 1 FROM automatic_tags a WHERE a.photo_id = p.id "
        "AND (a.label = p.fallback_class OR a.head = 'objects') "
        "AND a.head = p.fallback_class_source AND a.score = p.fallback_class_score) END"
    ),
    "one model has different heads": (
        "SELECT count(*) FROM (SELECT bundle FROM photos GROUP BY bundle "
        "HAVING count(DISTINCT class_head) > 1 OR count(DISTINCT tag_head) > 1)"
    ),
    "a near hash is not near in both directions": (
        "SELECT count(*) FROM near_hashes a WHERE NOT EXISTS "
        "(SELECT 1 FROM near_hashes b WHERE b.hash = a.near AND b.near = a.hash)"
    ),
    "a decision is neither added nor rejected": (
        "SELECT count(*) FROM tag_decisions WHERE verdict NOT IN ('added', 'rejected')"
    ),
    "an effective tag follows from no tag": (
        f"SELECT count(*) FROM ({_HELD_TAGS} EXCEPT {_DERIVED_TAGS})"  # noqa: S608 - constants
    ),
    "a tag has no effective tag": (
        f"SELECT count(*) FROM ({_DERIVED_TAGS} EXCEPT {_HELD_TAGS})"  # noqa: S608 - constants
    ),
    "a photo has a size, a score or a place that is impossible": (
        "SELECT count(*) FROM photos WHERE width < 1 OR height < 1 OR file_bytes < 1 "
        "OR NOT confidence BETWEEN 0 AND 1 OR NOT auto_class_score BETWEEN 0 AND 1 "
        "OR NOT coalesce(auto_group_score, 0) BETWEEN 0 AND 1 "
        "OR NOT coalesce(guess_score, 0) BETWEEN 0 AND 1 "
        "OR (auto_group IS NULL) <> (auto_group_score IS NULL) "
        "OR (guess IS NULL) <> (guess_score IS NULL) "
        "OR NOT coalesce(latitude, 0) BETWEEN -90 AND 90 "
        "OR NOT coalesce(longitude, 0) BETWEEN -180 AND 180"
    ),
    "a photo's original is in two places, or at no address of one": (
        "SELECT count(*) FROM photos WHERE remote_url IS NOT NULL AND (reference IS NOT NULL "
        "OR (remote_url NOT GLOB 's3://?*' AND remote_url NOT GLOB 'gs://?*' "
        "AND remote_url NOT GLOB 'az://?*' AND remote_url NOT GLOB 'http://?*' "
        "AND remote_url NOT GLOB 'https://?*'))"
    ),
    "a motion photo's film is not in its file": (
        "SELECT count(*) FROM photos WHERE (film_start IS NULL) <> (film_bytes IS NULL) "
        "OR film_start < 1 OR film_bytes < 1 OR film_start + film_bytes > file_bytes"
    ),
    "a photo's exposure, or how sharp it is, is impossible": (
        "SELECT count(*) FROM photos WHERE NOT coalesce(subsecond, 0) BETWEEN 0 AND 1 "
        "OR exposure_s <= 0 OR f_number <= 0 OR iso < 1 OR sharpness <= 0 "
        "OR NOT coalesce(clipped, 0) BETWEEN 0 AND 1 OR tonal_range < 0 "
        "OR NOT coalesce(brightness, 0) BETWEEN 0 AND 1 "
        "OR NOT coalesce(white_level, 0) BETWEEN 0 AND 1"
    ),
    "a photo is clutter of a kind that there is not": (
        f"SELECT count(*) FROM photos WHERE auto_clutter NOT IN ({_CLUTTER_KINDS}) "  # noqa: S608
        f"OR human_clutter NOT IN ('', {_CLUTTER_KINDS}) OR clutter_rule < 1 "
        "OR (auto_clutter IS NOT NULL AND clutter_rule IS NULL)"
    ),
    "a photo has an impossible number": (
        f"SELECT count(*) FROM photos WHERE number NOT BETWEEN 1 AND {MOST_PHOTOS}"  # noqa: S608
    ),
    "a photo has an impossible rating": (
        "SELECT count(*) FROM photos WHERE NOT coalesce(human_rating, 0) BETWEEN 0 AND 5 "
        "OR NOT coalesce(imported_rating, 1) BETWEEN 1 AND 5"
    ),
    "a photo's date has an impossible sureness, or a person's has no source": (
        "SELECT count(*) FROM photos WHERE NOT coalesce(auto_taken_confidence, 0) BETWEEN 0 AND 1 "
        "OR NOT coalesce(human_taken_confidence, 0) BETWEEN 0 AND 1 "
        "OR (human_taken_at IS NULL) <> (human_taken_source IS NULL) "
        "OR (human_taken_at IS NULL) <> (human_taken_confidence IS NULL)"
    ),
    "the folded name of a place is not that of its name": (
        "SELECT count(*) FROM places WHERE folded_name IS NOT fold_place(name) "
        "OR folded_region IS NOT fold_place(coalesce(region, '')) OR (folded_name <> '' "
        "AND instr(words, char(10) || folded_name || char(10)) = 0)"
    ),
    "a photo has a place without a source, or one that is impossible": (
        "SELECT count(*) FROM photos WHERE (place_id IS NULL) <> (place_source IS NULL) "
        "OR place_source NOT IN ('gps', 'neighbours') OR place_km < 0 "
        "OR (place_source = 'gps') <> (place_km IS NOT NULL) "
        "OR (place_source = 'gps' AND (latitude IS NULL OR longitude IS NULL)) "
        "OR (place_id IS NOT NULL AND place_id NOT IN (SELECT id FROM places))"
    ),
    "a place is of a kind that there is not": (
        "SELECT count(*) FROM places WHERE kind NOT IN ('settlement', 'sea', 'air')"
    ),
    "a tag has an impossible score": (
        "SELECT count(*) FROM automatic_tags WHERE NOT score BETWEEN 0 AND 1"
    ),
}


def row_problems(connection: sqlite3.Connection) -> list[str]:
    """Return what is wrong with the rows of a database of the current version.

    Raises sqlite3.DatabaseError.
    """
    return value_problems(connection) or list(_contradictions(connection))


def value_problems(connection: sqlite3.Connection) -> list[str]:
    """Return which tables have values of another type, or text that is not UTF-8.

    Raises sqlite3.DatabaseError.
    """
    connection.create_function("is_sound", 1, _is_sound, deterministic=True)
    return list(_wrong_types(connection))


def _wrong_types(connection: sqlite3.Connection) -> Iterator[str]:
    for table in metadata.tables.values():
        wrong = " OR ".join(map(_wrong_type, table.columns))
        texts = [column for column in table.columns if isinstance(column.type, Text | PathColumn)]
        if texts:
            # As bytes, in one call a row: an error in the function would not name the table.
            joined = " || char(10) || ".join(map(_text_or_nothing, texts))
            wrong += f" OR NOT is_sound(CAST({joined} AS BLOB))"
        query = f"SELECT count(*) FROM {table.name} WHERE {wrong}"  # noqa: S608 - our own names
        (count,) = connection.execute(query).fetchone()
        if count:
            yield _message(table, count)


def _wrong_type(column: Column[object]) -> str:
    types = next(types for kind, types in _TYPES if isinstance(column.type, kind))
    wrong = f"typeof({_quoted(column)}) NOT IN ({types})"
    if column.name == "at" or column.name.endswith("_at"):
        wrong += f" OR {_quoted(column)} GLOB '*[^-0-9T:.+Z]*'"
    if isinstance(column.type, Boolean):
        wrong += f" OR {_quoted(column)} NOT IN (0, 1)"
    return f"({_quoted(column)} IS NOT NULL AND ({wrong}))"


def _text_or_nothing(column: Column[object]) -> str:
    return f"iif(typeof({_quoted(column)}) = 'text', {_quoted(column)}, '')"


def _quoted(column: Column[object]) -> str:
    return f'"{column.name}"'


def _message(table: Table, count: int) -> str:
    rows = "1 row has" if count == 1 else f"{count:,} rows have"
    return f"in the table {table.name}, {rows} values that nothing writes there"


def _is_sound(value: bytes) -> bool:
    """Whether bytes are text as the library stores it."""
    try:
        return "\0" not in value.decode("utf-8")
    except UnicodeDecodeError:
        return False


def _contradictions(connection: sqlite3.Connection) -> Iterator[str]:
    add_functions(connection)
    connection.create_function("fold_place", 1, fold_place, deterministic=True)
    bands = connection.execute("SELECT hash, group_concat(band) FROM hash_bands GROUP BY hash")
    if any({*map(int, text.split(","))} != {*bands_of(number)} for number, text in bands):
        yield "the bands of a perceptual hash are not its own"
    for what, query in _CONTRADICTIONS.items():
        (count,) = connection.execute(query).fetchone()
        if count:
            yield f"{what} ({count:,} times)" if count > 1 else what
