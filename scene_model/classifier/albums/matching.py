"""Albums: which of them a photo belongs in, by rules over its tags and its EXIF."""

from collections.abc import Sequence
from dataclasses import dataclass

from scene_model.classifier.albums.album_rules import Album, AlbumRules, Home, Rule, in_span
from scene_model.classifier.classify import HeadPredictions
from scene_model.classifier.labels import OBJECTS
from scene_model.classifier.vocabulary import fold
from scene_model.photos.geo import distance_km
from scene_model.photos.metadata import PhotoMetadata


@dataclass(frozen=True)
class TagFact:
    """One tag of a photo. score: probability in [0, 1]; None when a person added it."""

    label: str
    head: str
    score: float | None


@dataclass(frozen=True)
class PhotoFacts:
    """What the rules read; a class that a person chose should be among the tags."""

    tags: tuple[TagFact, ...] = ()
    metadata: PhotoMetadata = PhotoMetadata()


@dataclass(frozen=True)
class Placement:
    """An album that a photo is in, and why: "tag Dog 93 %"."""

    album: str
    reason: str


def albums_of(facts: PhotoFacts, rules: AlbumRules) -> list[Placement]:
    """Return the albums a photo belongs in, in the order of the file, and why."""
    reasons = {album.id: _reason(album, facts, rules) for album in rules.albums}
    if not any(reasons.values()):
        reasons |= {album.id: "in no other album" for album in rules.albums if album.rest}
    return [Placement(album, reason) for album, reason in reasons.items() if reason]


def tag_facts(predictions: HeadPredictions) -> tuple[TagFact, ...]:
    """Return the stored tags of a photo."""
    return tuple(
        TagFact(tag.label, head, tag.score)
        for head, tags in predictions.stored_tags.items()
        for tag in tags
    )


def _reason(album: Album, facts: PhotoFacts, rules: AlbumRules) -> str | None:
    for tag in facts.tags:
        if tag.score is None and fold(tag.label) in album.words:
            return f"your tag {rules.label_name(tag.label)}"
    candidates = album.rules
    if any(tag.label in album.unless for tag in facts.tags):
        # Kept out, but a person's word stands above the model's.
        theirs = tuple(tag for tag in facts.tags if tag.score is None)
        facts = PhotoFacts(theirs, facts.metadata)
        candidates = tuple(
            rule for rule in candidates if rule.tags or rule.objects or rule.own_tags
        )
    reasons = (_rule_reason(rule, facts, rules) for rule in candidates)
    return next((reason for reason in reasons if reason), None)


def _rule_reason(rule: Rule, facts: PhotoFacts, rules: AlbumRules) -> str | None:
    """Say why a rule holds; None when it does not."""
    matches = _metadata_reasons(rule, facts.metadata, rules.home)
    if rule.own_tags:
        own = {fold(tag) for tag in rule.own_tags}
        theirs = (tag.label for tag in facts.tags if tag.score is None)
        matches.insert(0, next((f"your tag {tag}" for tag in theirs if fold(tag) in own), None))
    if rule.objects:
        objects = [tag for tag in facts.tags if tag.head == OBJECTS or tag.score is None]
        matches.insert(0, _tag_reason(objects, rule.objects, rule, rules))
    if rule.tags:
        scenes = [tag for tag in facts.tags if tag.head != OBJECTS]
        matches.insert(0, _tag_reason(scenes, rule.tags, rule, rules))
    reasons = [reason for reason in matches if reason]
    return " and ".join(reasons) if len(reasons) == len(matches) else None


def _tag_reason(
    tags: Sequence[TagFact], labels: frozenset[str], rule: Rule, rules: AlbumRules
) -> str | None:
    """Describe the tag that fulfils the rule: a person's, else the one with the highest score."""
    best, best_score = None, rule.min_score
    for tag in tags:
        if tag.label not in labels:
            continue
        if tag.score is None:
            return f"your tag {rules.label_name(tag.label)}"
        if tag.score >= best_score and (not rule.heads or tag.head in rule.heads):
            best, best_score = tag, tag.score
    return None if best is None else f"tag {rules.label_name(best.label)} {100 * best_score:.0f} %"


def _metadata_reasons(rule: Rule, metadata: PhotoMetadata, home: Home | None) -> list[str | None]:
    """One entry for each condition that the rule has; None where it does not hold."""
    matches: list[str | None] = []
    if rule.lens:
        matches.append(_text_reason("lens", metadata.lens, rule.lens))
    if rule.camera:
        matches.append(_text_reason("camera", metadata.camera, rule.camera))
    if rule.taken:
        day = (metadata.taken_at or "")[:10]
        inside = day and any(in_span(day, text) for text in rule.taken)
        matches.append(f"taken {day}" if inside else None)
    place = (metadata.latitude, metadata.longitude)
    if rule.has_gps is not None:
        shown = "no GPS position" if None in place else "GPS position"
        matches.append(shown if rule.has_gps == (None not in place) else None)
    if rule.away_from_home_km is not None:
        distance = _km_from_home(*place, home)
        far = distance is not None and distance >= rule.away_from_home_km
        matches.append(f"{distance:,.0f} km from home" if far else None)
    return matches


def _text_reason(kind: str, shown: str | None, texts: tuple[str, ...]) -> str | None:
    """Find all words of one of the texts: "front camera" is in "front TrueDepth camera"."""
    folded = fold(shown or "")
    matches = any(all(word in folded for word in fold(text).split()) for text in texts)
    return f"{kind} {shown}" if matches else None


def _km_from_home(
    latitude: float | None, longitude: float | None, home: Home | None
) -> float | None:
    """Distance from home; None without a position or a home."""
    if latitude is None or longitude is None or home is None:
        return None
    return distance_km(latitude, longitude, home.latitude, home.longitude)
