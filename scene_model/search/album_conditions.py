"""Album rules as SQL conditions, for all photos at once.

The same rules in Python, for one photo, are `albums.matching.albums_of`. The contract test
`tests/search/test_album_conditions.py` compares both on generated photos and rules.
"""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, func, not_, or_, select, union_all

from scene_model.classifier.albums.album_rules import Album, AlbumRules, Home, Rule, read_span
from scene_model.classifier.labels import HUMAN, OBJECTS
from scene_model.classifier.vocabulary import fold
from scene_model.library.database.schema import (
    class_decisions,
    effective_tags,
    photos,
    tag_decisions,
)
from scene_model.library.in_memory.conditions import OF_OWN_VALUE
from scene_model.library.label_lists import distinct_texts, is_one_of
from scene_model.search.conditions import (
    exif_contains,
    has_place,
    is_away,
    on_days,
)
from scene_model.search.query_values import DaySpan

# Selects photo numbers. An album is a union of a few such lists, built once per query: testing each
# photo against each rule takes ten times as long.
_Numbers = Select[tuple[int]]

# Made once: that takes longer than all else that a rule needs.
_CLASSIFIED = photos.alias()


def is_in_album(album: Album, rules: AlbumRules) -> ColumnElement[bool]:
    """Return the SQL condition for photos that are in the album."""
    if not album.rest:
        return _is_placed([album], rules)
    return or_(_is_placed([album], rules), not_(_is_placed(rules.albums, rules)))


def _is_placed(albums: Sequence[Album], rules: AlbumRules) -> ColumnElement[bool]:
    """Return the SQL condition for photos in one of the albums by a person's tag or a rule.

    An album's `rest` flag is ignored.
    """
    lists = _by_people_folded({word for album in albums for word in album.words})
    conditions: list[ColumnElement[bool]] = []
    for album in albums:
        if not album.unless:
            _add_rules(lists, conditions, album.rules, rules.home)
            continue
        # `unless` excludes photos, except those that a person's own tags put in the album.
        tag_rules = [rule for rule in album.rules if rule.tags or rule.objects or rule.own_tags]
        _add_rules(lists, conditions, tag_rules, rules.home, people_only=True)
        album_lists: list[_Numbers] = []
        album_conditions: list[ColumnElement[bool]] = []
        _add_rules(album_lists, album_conditions, album.rules, rules.home)
        excluded = [*_by_people(album.unless), _by_models(album.unless)]
        conditions.append(
            and_(or_(_is_listed(album_lists), *album_conditions), not_(_is_listed(excluded)))
        )
    return or_(_is_listed(lists), *conditions)


def _add_rules(
    lists: list[_Numbers],
    conditions: list[ColumnElement[bool]],
    rules: Sequence[Rule],
    home: Home | None,
    people_only: bool = False,
) -> None:
    """Append each rule to `lists` if it only lists photos, else to `conditions`.

    people_only: the tags of models do not count.
    """
    for rule in rules:
        tag_lists, exif = _tag_lists(rule, people_only), _exif_conditions(rule, home)
        if len(tag_lists) == 1 and not exif:
            lists += tag_lists[0]
        else:
            conditions.append(and_(*map(_is_listed, tag_lists), *exif))


def _tag_lists(rule: Rule, people_only: bool) -> list[list[_Numbers]]:
    """Return lists for each tag key of a rule; a photo has to be in one list of every key."""
    lists_by_key = []
    for labels, head in (
        (rule.tags, effective_tags.c.head != OBJECTS),
        (rule.objects, effective_tags.c.head == OBJECTS),
    ):
        if not labels:
            continue
        lists = _by_people(labels)
        if not people_only:
            where = [head, effective_tags.c.score >= rule.min_score]
            if rule.heads:
                where.append(effective_tags.c.head.in_(sorted(rule.heads)))
            lists.append(_by_models(labels, *where))
        lists_by_key.append(lists)
    if rule.own_tags:
        lists_by_key.append(_by_people_folded({fold(tag) for tag in rule.own_tags}))
    return lists_by_key


def _exif_conditions(rule: Rule, home: Home | None) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    for column, texts in ((photos.c.lens, rule.lens), (photos.c.camera, rule.camera)):
        if texts:
            conditions.append(or_(*(exif_contains(column, fold(text).split()) for text in texts)))
    if rule.taken:
        conditions.append(
            or_(*(on_days(photos.c.taken_at, DaySpan(*read_span(text))) for text in rule.taken))
        )
    if rule.has_gps is not None:
        conditions.append(has_place() if rule.has_gps else not_(has_place()))
    if rule.away_from_home_km is not None:
        conditions.append(
            false()
            if home is None
            else is_away(home.latitude, home.longitude, rule.away_from_home_km)
        )
    return conditions


def _by_models(labels: Collection[str], *where: ColumnElement[bool]) -> _Numbers:
    """Select photos with an automatic tag of these labels that no person decided on."""
    labelled = is_one_of(effective_tags.c.label, labels)
    return select(effective_tags.c.photo).where(labelled, effective_tags.c.head != HUMAN, *where)


def _by_people(labels: Any) -> list[_Numbers]:
    """Select photos to which a person gave one of the labels, as a tag or as the class.

    labels: a collection of labels, or a query that selects them.
    """
    is_tag, is_class = (
        column.in_(labels) if isinstance(labels, Select) else is_one_of(column, labels)
        for column in (effective_tags.c.label, _CLASSIFIED.c.human_class)
    )
    return [
        select(effective_tags.c.photo).where(is_tag, effective_tags.c.head == HUMAN),
        select(_CLASSIFIED.c.number).where(_CLASSIFIED.c.human_class.is_not(None), is_class),
    ]


def _by_people_folded(words: Collection[str]) -> list[_Numbers]:
    """Like `_by_people`, with labels folded (case, underscores): once per label, not per photo."""
    columns = (tag_decisions.c.label, class_decisions.c.label)
    labels = union_all(*map(distinct_texts, columns)).subquery()
    of_words = select(labels.c.text).where(func.fold(labels.c.text).in_(sorted(words)))
    return _by_people(of_words.execution_options(**{OF_OWN_VALUE: True}))


def _is_listed(lists: Sequence[_Numbers]) -> ColumnElement[bool]:
    return photos.c.number.in_(union_all(*lists)) if lists else false()
