# ruff: noqa: S608 - the statements are put together from what stands in this file
"""What the database itself keeps in step, whoever writes and however: copies made for speed.

`photos.human_class` repeats `class_decisions`, `photos.decided_tags` counts `tag_decisions`,
`held_tags` says which tags hold, `free_slots` has the places of embeddings that no photo names.
"""

# As `labels.HUMAN`; a person is sure.
_BY_PEOPLE = "'human', 1.0"
_PHOTO = "(SELECT number FROM photos WHERE id = {row}.photo_id)"
_OF_LABEL = "label = {row}.label AND photo = " + _PHOTO
_IS_DECIDED = (
    "EXISTS (SELECT 1 FROM tag_decisions d WHERE d.photo_id = {row}.photo_id "
    "AND d.label = {row}.label)"
)
_LET_GO = f"DELETE FROM held_tags WHERE {_OF_LABEL};"
_ADDED = (
    "INSERT INTO held_tags (label, photo, head, score) "
    f"SELECT NEW.label, number, {_BY_PEOPLE} FROM photos "
    "WHERE id = NEW.photo_id AND NEW.verdict = 'added';"
)
_SAID = (
    "INSERT OR IGNORE INTO held_tags (label, photo, head, score) "
    "SELECT a.label, p.number, a.head, a.score FROM automatic_tags a "
    "JOIN photos p ON p.id = a.photo_id "
    "WHERE a.photo_id = {row}.photo_id AND a.label = {row}.label "
)

_DECISION_MADE = _LET_GO.format(row="NEW") + _ADDED
_COUNTED = "UPDATE photos SET decided_tags = decided_tags {change} WHERE id = {row}.photo_id;"
_CLASS_CHOSEN = "UPDATE photos SET human_class = NEW.label WHERE id = NEW.photo_id;"
_FREE = "INSERT OR IGNORE INTO free_slots VALUES (OLD.embedding_file, OLD.embedding_slot);"

_ACTIONS = {
    "automatic_tag_said": (
        "AFTER INSERT ON automatic_tags",
        _SAID.format(row="NEW") + "AND NOT " + _IS_DECIDED.format(row="NEW") + ";",
    ),
    "automatic_tag_withdrawn": (
        "AFTER DELETE ON automatic_tags",
        _LET_GO.format(row="OLD").removesuffix(";") + " AND head = OLD.head;",
    ),
    "tag_decided": (
        "AFTER INSERT ON tag_decisions",
        _DECISION_MADE + _COUNTED.format(row="NEW", change="+ 1"),
    ),
    "tag_decided_anew": ("AFTER UPDATE OF verdict ON tag_decisions", _DECISION_MADE),
    "tag_decision_withdrawn": (
        "AFTER DELETE ON tag_decisions",
        _LET_GO.format(row="OLD")
        + _SAID.format(row="OLD")
        + ";"
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
    "INSERT OR IGNORE INTO held_tags (label, photo, head, score) "
    "SELECT t.label, p.number, t.head, t.score FROM automatic_tags t "
    f"JOIN photos p ON p.id = t.photo_id WHERE NOT {_IS_DECIDED.format(row='t')}",
    "INSERT OR IGNORE INTO held_tags (label, photo, head, score) "
    f"SELECT t.label, p.number, {_BY_PEOPLE} FROM tag_decisions t "
    "JOIN photos p ON p.id = t.photo_id WHERE t.verdict = 'added'",
)
