"""What the database itself keeps in step, whoever writes and however: copies made for speed.

`photos.human_class` repeats `class_decisions`, `photos.decided_tags` counts `tag_decisions`,
`held_tags` says which tags hold, `free_slots` has the places of embeddings that no photo names.
"""

_NUMBER = "(SELECT number FROM photos WHERE id = {row}.photo_id)"
_IS_DECIDED = (
    "EXISTS (SELECT 1 FROM tag_decisions d WHERE d.photo_id = {row}.photo_id "
    "AND d.label = {row}.label{more})"
)
_IS_SAID = (
    "EXISTS (SELECT 1 FROM automatic_tags a WHERE a.photo_id = {row}.photo_id "
    "AND a.label = {row}.label)"
)
_HOLD = (
    "INSERT OR IGNORE INTO held_tags (label, photo) "
    "SELECT {row}.label, number FROM photos WHERE id = {row}.photo_id AND {condition};"
)
_LET_GO = "DELETE FROM held_tags WHERE label = {row}.label AND photo = {number} AND {condition};"


def _hold(row: str, condition: str) -> str:
    return _HOLD.format(row=row, condition=condition)


def _let_go(row: str, condition: str) -> str:
    return _LET_GO.format(row=row, number=_NUMBER.format(row=row), condition=condition)


_DECISION_MADE = _hold("NEW", "NEW.verdict = 'added'") + _let_go("NEW", "NEW.verdict <> 'added'")
_COUNTED = "UPDATE photos SET decided_tags = decided_tags {change} WHERE id = {row}.photo_id;"
_CLASS_CHOSEN = "UPDATE photos SET human_class = NEW.label WHERE id = NEW.photo_id;"
_FREE = "INSERT OR IGNORE INTO free_slots VALUES (OLD.embedding_file, OLD.embedding_slot);"

_ACTIONS = {
    "automatic_tag_said": (
        "AFTER INSERT ON automatic_tags",
        _hold("NEW", "NOT " + _IS_DECIDED.format(row="NEW", more="")),
    ),
    "automatic_tag_withdrawn": (
        "AFTER DELETE ON automatic_tags",
        _let_go(
            "OLD",
            "NOT "
            + _IS_SAID.format(row="OLD")
            + " AND NOT "
            + _IS_DECIDED.format(row="OLD", more=" AND d.verdict = 'added'"),
        ),
    ),
    "tag_decided": (
        "AFTER INSERT ON tag_decisions",
        _DECISION_MADE + _COUNTED.format(row="NEW", change="+ 1"),
    ),
    "tag_decided_anew": ("AFTER UPDATE OF verdict ON tag_decisions", _DECISION_MADE),
    "tag_decision_withdrawn": (
        "AFTER DELETE ON tag_decisions",
        _hold("OLD", _IS_SAID.format(row="OLD"))
        + _let_go("OLD", "NOT " + _IS_SAID.format(row="OLD"))
        + _COUNTED.format(row="OLD", change="- 1"),
    ),
    "class_decided": ("AFTER INSERT ON class_decisions", _CLASS_CHOSEN),
    "class_decided_anew": ("AFTER UPDATE OF label ON class_decisions", _CLASS_CHOSEN),
    "class_decision_withdrawn": (
        "AFTER DELETE ON class_decisions",
        "UPDATE photos SET human_class = NULL WHERE id = OLD.photo_id;",
    ),
    # Before: its rows elsewhere, which say what it held, go with it.
    "photo_tags_withdrawn": (
        "BEFORE DELETE ON photos",
        "DELETE FROM held_tags WHERE photo = OLD.number AND label IN ("
        "SELECT label FROM automatic_tags WHERE photo_id = OLD.id "
        "UNION SELECT label FROM tag_decisions WHERE photo_id = OLD.id);",
    ),
    "slot_freed": ("AFTER DELETE ON photos WHEN OLD.embedding_slot IS NOT NULL", _FREE),
    "slot_left": (
        "AFTER UPDATE OF embedding_file, embedding_slot ON photos "
        "WHEN OLD.embedding_slot IS NOT NULL AND (OLD.embedding_slot, OLD.embedding_file) "
        "IS NOT (NEW.embedding_slot, NEW.embedding_file)",
        _FREE,
    ),
}

TRIGGERS = tuple(
    f"CREATE TRIGGER IF NOT EXISTS {name} {when} BEGIN {action} END"
    for name, (when, action) in _ACTIONS.items()
)

# What the triggers would have done, for rows that were there before them.
FIRST_FILL = (
    "UPDATE photos SET human_class = "
    "(SELECT label FROM class_decisions WHERE photo_id = photos.id), "
    "decided_tags = (SELECT count(*) FROM tag_decisions WHERE photo_id = photos.id)",
    "INSERT OR IGNORE INTO held_tags (label, photo) "  # noqa: S608 - all of it is above
    "SELECT t.label, p.number FROM automatic_tags t JOIN photos p ON p.id = t.photo_id "
    f"WHERE NOT {_IS_DECIDED.format(row='t', more='')}",
    "INSERT OR IGNORE INTO held_tags (label, photo) "
    "SELECT t.label, p.number FROM tag_decisions t JOIN photos p ON p.id = t.photo_id "
    "WHERE t.verdict = 'added'",
)
