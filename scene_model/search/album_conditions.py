"""Album rules as conditions on the library's rows: what `albums_of` says, for all photos at once.

Both are held equal by a test over generated photos and rules.
"""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, func, not_, or_, select, union_all

from scene_model.classifier.album_rules import Album, AlbumRules, Home, Rule, read_span
from scene_model.classifier.classify import OBJECTS
from scene_model.classifier.labels import HUMAN
from scene_model.classifier.vocabulary import fold
from scene_model.library.schema import class_decisions, effective_tags, photos, tag_decisions
from scene_model.search.conditions import (
    exif_contains,
    has_place,
    is_away,
    on_days,
)
from scene_model.search.query_values import DaySpan

# Photos by their numbers. An album is a handful of such lists, made once a query and put into one:
# asking each photo for each rule would take ten times as long.
_Numbers = Select[tuple[int]]


def is_in_album(album: Album, rules: AlbumRules) -> ColumnElement[bool]:
    """The photo belongs in the album."""
    if not album.rest:
        return _is_placed([album], rules)
    return or_(_is_placed([album], rules), not_(_is_placed(rules.albums, rules)))


def _is_placed(albums: Sequence[Album], rules: AlbumRules) -> ColumnElement[bool]:
    """A person's tag or a rule puts the photo in one of the albums; "the rest" is left out."""
    lists = _people_say_folded({word for album in albums for word in album.words})
    conditions: list[ColumnElement[bool]] = []
    for album in albums:
        if not album.unless:
            _add_rules(lists, conditions, album.rules, rules.home)
            continue
        # Kept out, but a person's word stands above the model's.
        said = [rule for rule in album.rules if rule.tags or rule.objects or rule.own_tags]
        _add_rules(lists, conditions, said, rules.home, people_only=True)
        more_lists: list[_Numbers] = []
        more_conditions: list[ColumnElement[bool]] = []
        _add_rules(more_lists, more_conditions, album.rules, rules.home)
        kept_out = [*_people_say(album.unless), _models_say(album.unless)]
        conditions.append(
            and_(or_(_is_listed(more_lists), *more_conditions), not_(_is_listed(kept_out)))
        )
    return or_(_is_listed(lists), *conditions)


def _add_rules(
    lists: list[_Numbers],
    conditions: list[ColumnElement[bool]],
    rules: Sequence[Rule],
    home: Home | None,
    people_only: bool = False,
) -> None:
    """Sort rules by their form: a list of photos, or several things that hold together."""
    for rule in rules:
        said, exif = _tag_lists(rule, people_only), _exif_conditions(rule, home)
        if len(said) == 1 and not exif:
            lists += said[0]
        else:
            conditions.append(and_(*map(_is_listed, said), *exif))


def _tag_lists(rule: Rule, people_only: bool) -> list[list[_Numbers]]:
    """Of each key of a rule that speaks of tags, the lists a photo has to be in one of."""
    found = []
    for labels, head in (
        (rule.tags, effective_tags.c.head != OBJECTS),
        (rule.objects, effective_tags.c.head == OBJECTS),
    ):
        if not labels:
            continue
        said = _people_say(labels)
        if not people_only:
            where = [head, effective_tags.c.score >= rule.min_score]
            if rule.heads:
                where.append(effective_tags.c.head.in_(sorted(rule.heads)))
            said.append(_models_say(labels, *where))
        found.append(said)
    if rule.own_tags:
        found.append(_people_say_folded({fold(tag) for tag in rule.own_tags}))
    return found


def _exif_conditions(rule: Rule, home: Home | None) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    for column, texts in ((photos.c.lens, rule.lens), (photos.c.camera, rule.camera)):
        if texts:
            found.append(or_(*(exif_contains(column, fold(text).split()) for text in texts)))
    if rule.taken:
        found.append(
            or_(*(on_days(photos.c.taken_at, DaySpan(*read_span(text))) for text in rule.taken))
        )
    if rule.has_gps is not None:
        found.append(has_place() if rule.has_gps else not_(has_place()))
    if rule.away_from_home_km is not None:
        away = (
            false()
            if home is None
            else is_away(home.latitude, home.longitude, rule.away_from_home_km)
        )
        found.append(away)
    return found


def _models_say(labels: Collection[str], *where: ColumnElement[bool]) -> _Numbers:
    """A model said one of the labels, and nobody decided about it."""
    labelled = effective_tags.c.label.in_(sorted(labels))
    return select(effective_tags.c.photo).where(labelled, effective_tags.c.head != HUMAN, *where)


def _people_say(labels: Any) -> list[_Numbers]:
    """A person added one of the labels as a tag, or filed the photo under it.

    labels: a collection, or a query for them.
    """
    chosen = photos.alias()
    return [
        select(effective_tags.c.photo).where(
            effective_tags.c.label.in_(labels), effective_tags.c.head == HUMAN
        ),
        select(chosen.c.number)
        .join(class_decisions, class_decisions.c.photo_id == chosen.c.id)
        .where(class_decisions.c.label.in_(labels)),
    ]


def _people_say_folded(words: Collection[str]) -> list[_Numbers]:
    """Likewise, with case and underscores folded; each label is folded once, not each photo's."""
    said = select(tag_decisions.c.label).union(select(class_decisions.c.label)).subquery()
    return _people_say(select(said.c.label).where(func.fold(said.c.label).in_(sorted(words))))


def _is_listed(lists: Sequence[_Numbers]) -> ColumnElement[bool]:
    return photos.c.number.in_(union_all(*lists)) if lists else false()
