"""The rules of an album in words, for people."""

from collections.abc import Iterable

from scene_model.classifier.albums.album_rules import Album, AlbumRules, Rule

_MOST_NAMES = 6


def rule_words(album: Album, rules: AlbumRules) -> str:
    """Say which photos a rule album holds: "Photos with the tag Dog or Cat; or taken 12-24"."""
    if album.unknowable is not None:
        return f"Photos that you tag “{album.name}”"
    if album.rest:
        return "Photos that are in no other rule album"
    ways = "; or ".join(_rule(rule, rules) for rule in album.rules)
    excluded = _names((rules.label_name(label) for label in album.unless), "or")
    unless = f". Not those with the tag {excluded}" if excluded else ""
    return f"Photos {ways}{unless}"


def _rule(rule: Rule, rules: AlbumRules) -> str:
    parts = [
        f"{phrase} {_names((rules.label_name(label) for label in labels), 'or')}"
        for phrase, labels in (
            ("with the tag", rule.tags),
            ("of", rule.objects),
            ("with your tag", rule.own_tags),
        )
        if labels
    ]
    if rule.min_score and (rule.tags or rule.objects):
        parts[-1] += f" (at least {100 * rule.min_score:.0f} % sure)"
    if rule.lens:
        parts.append(f"taken with the lens {_names(rule.lens, 'or')}")
    if rule.camera:
        parts.append(f"taken with the camera {_names(rule.camera, 'or')}")
    if rule.taken:
        parts.append(f"taken {_names(rule.taken, 'or')}")
    if rule.has_gps is not None:
        parts.append("with a GPS position" if rule.has_gps else "without a GPS position")
    if rule.away_from_home_km is not None:
        parts.append(f"taken at least {rule.away_from_home_km:,.0f} km from home")
    return " and ".join(parts)


def _names(names: Iterable[str], conjunction: str) -> str:
    """List names in alphabetical order; of many, the first ones and the number of others."""
    listed = sorted(set(names), key=str.lower)
    if len(listed) > _MOST_NAMES + 1:
        listed = [*listed[:_MOST_NAMES], f"{len(listed) - _MOST_NAMES} others"]
    if len(listed) < 2:
        return "".join(listed)
    return f"{', '.join(listed[:-1])} {conjunction} {listed[-1]}"
