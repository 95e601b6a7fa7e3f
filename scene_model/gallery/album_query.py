"""Album rules as conditions on the library's rows: what `albums_of` says, for all photos at once.

Both are held equal by a test over generated photos and rules.
"""

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, and_, false, func, not_, or_, select

from scene_model.classifier.album_rules import Album, AlbumRules, Home, Rule, read_span
from scene_model.classifier.classify import OBJECTS
from scene_model.classifier.vocabulary import fold
from scene_model.gallery.conditions import (
    exif_contains,
    has_added_tag,
    has_automatic_tag,
    has_chosen_class,
    has_place,
    is_away,
    on_days,
)
from scene_model.gallery.query_values import DaySpan
from scene_model.gallery.schema import class_decisions, held_tags, photos, tag_decisions


def is_in_album(album: Album, rules: AlbumRules) -> ColumnElement[bool]:
    """The photo belongs in the album."""
    if not album.rest:
        return _is_placed(album, rules)
    elsewhere = or_(*(_is_placed(other, rules) for other in rules.albums))
    return or_(_is_placed(album, rules), not_(elsewhere))


def _is_placed(album: Album, rules: AlbumRules) -> ColumnElement[bool]:
    """A person's tag or a rule puts the photo in; "the rest" is left out of account."""
    called_so = _people_say_folded(album.words)
    by_rules = or_(false(), *(_holds(rule, rules.home) for rule in album.rules))
    if not album.unless:
        return or_(called_so, by_rules)
    kept_out = or_(_people_say(album.unless), has_automatic_tag(album.unless))
    # Kept out, but a person's word stands above the model's.
    by_people = or_(
        false(),
        *(
            _holds(rule, rules.home, people_only=True)
            for rule in album.rules
            if rule.tags or rule.objects or rule.own_tags
        ),
    )
    return or_(called_so, by_people, and_(not_(kept_out), by_rules))


def _holds(rule: Rule, home: Home | None, people_only: bool = False) -> ColumnElement[bool]:
    conditions = [*_tag_conditions(rule, people_only), *_exif_conditions(rule, home)]
    return and_(*conditions)


def _tag_conditions(rule: Rule, people_only: bool) -> list[ColumnElement[bool]]:
    found = []
    for labels, head in (
        (rule.tags, held_tags.c.head != OBJECTS),
        (rule.objects, held_tags.c.head == OBJECTS),
    ):
        if not labels:
            continue
        says = _people_say(labels)
        if not people_only:
            where = [head, held_tags.c.score >= rule.min_score]
            if rule.heads:
                where.append(held_tags.c.head.in_(sorted(rule.heads)))
            says = or_(says, has_automatic_tag(labels, *where))
        found.append(says)
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


def _people_say(labels: Any) -> ColumnElement[bool]:
    """A person added one of the labels as a tag, or filed the photo under it."""
    return or_(has_added_tag(labels), has_chosen_class(labels))


def _people_say_folded(words: Collection[str]) -> ColumnElement[bool]:
    """Likewise, with case and underscores folded; each label is folded once, not each photo's."""
    said = select(tag_decisions.c.label).union(select(class_decisions.c.label)).subquery()
    return _people_say(select(said.c.label).where(func.fold(said.c.label).in_(sorted(words))))
