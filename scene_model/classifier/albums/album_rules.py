"""The rules of albums: a TOML file that people may edit, read once, checked whole.

``albums.toml`` beside this file is the one shipped; its comments are the description of the
format.
"""

import difflib
import re
import tomllib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails

from scene_model.classifier.albums.album_rule_lines import line_of, line_of_syntax_error
from scene_model.classifier.heads import Head
from scene_model.classifier.labels import OBJECTS
from scene_model.classifier.vocabulary import Vocabulary, fold, vocabulary_of
from scene_model.errors import InvalidAlbumRules, InvalidSetting, PathNotFound

SHIPPED_FILE = Path(__file__).with_name("albums.toml")
_DAY = re.compile(r"(\d{4})(-\d\d)?(-\d\d)?|(\d\d-\d\d)", re.ASCII)
_Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Rule(_Part):
    """Conditions that must all hold; one that is not given always does.

    tags, objects, own_tags: one of them is on the photo, with ``min_score`` at least unless a
    person added it. heads: the label sets that may say so. lens, camera: EXIF has all words of
    one of the texts. taken: spans of days, see `read_span`.
    """

    tags: frozenset[_Text] = Field(default=frozenset(), min_length=1)
    objects: frozenset[_Text] = Field(default=frozenset(), min_length=1)
    own_tags: frozenset[_Text] = Field(default=frozenset(), min_length=1)
    min_score: float = Field(default=0.0, ge=0.0, le=1.0)
    heads: frozenset[_Text] = Field(default=frozenset(), min_length=1)
    lens: tuple[_Text, ...] = Field(default=(), min_length=1)
    camera: tuple[_Text, ...] = Field(default=(), min_length=1)
    taken: tuple[_Text, ...] = Field(default=(), min_length=1)
    has_gps: bool | None = None
    away_from_home_km: float | None = Field(default=None, gt=0.0)

    @field_validator("tags")
    @classmethod
    def _labels_exist(cls, labels: frozenset[str], info: ValidationInfo) -> frozenset[str]:
        return _known_labels(_labels_of_kinds(labels, info.context), info.context)

    @field_validator("objects")
    @classmethod
    def _objects_exist(cls, names: frozenset[str], info: ValidationInfo) -> frozenset[str]:
        return _object_lines(names, info.context)

    @field_validator("heads")
    @classmethod
    def _heads_exist(cls, heads: frozenset[str], info: ValidationInfo) -> frozenset[str]:
        existing_names = heads if info.context is None else info.context.heads
        for head in sorted(heads - existing_names):
            raise ValueError(f"there is no head {head!r}. {_nearest(head, sorted(existing_names))}")
        return heads

    @field_validator("taken")
    @classmethod
    def _dates_are_dates(cls, spans: tuple[str, ...]) -> tuple[str, ...]:
        for text in spans:
            read_span(text)
        return spans

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_fields_set - {"min_score", "heads"}:
            raise ValueError("it has no condition, so every photo would be in. Add tags")
        return self


class Album(_Part):
    """One album: the photos that match any of its rules or that a person tagged with its name.

    unless: labels that exclude a photo, except when a person tagged it with the album's name.
    rest: the album contains the photos that are in no other album. unknowable: the reason why no
    rule can be written for it.
    """

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=60)
    name: _Text
    aliases: tuple[_Text, ...] = ()
    translations: dict[str, _Text] = {}
    rules: tuple[Rule, ...] = Field(default=(), validation_alias="rule")
    unless: frozenset[_Text] = frozenset()
    rest: bool = False
    unknowable: _Text | None = None

    @property
    def words(self) -> frozenset[str]:
        """Everything that finds this album, folded for comparison."""
        folded_words = (self.id, self.name, *self.aliases, *self.translations.values())
        return frozenset(fold(word) for word in folded_words)

    @field_validator("unless")
    @classmethod
    def _labels_exist(cls, labels: frozenset[str], info: ValidationInfo) -> frozenset[str]:
        return _known_labels(_labels_of_kinds(labels, info.context), info.context)

    @model_validator(mode="after")
    def _is_filled_one_way(self) -> Self:
        if sum([bool(self.rules), self.rest, self.unknowable is not None]) != 1:
            raise ValueError(
                'give it rules, or rest = true, or unknowable = "why": one of the three'
            )
        return self


class Home(_Part):
    """Where a person lives, in degrees, WGS 84; it stays in their file."""

    latitude: float = Field(ge=-90.0, le=90.0)
    longitude: float = Field(ge=-180.0, le=180.0)


class _AlbumFile(_Part):
    home: Home | None = None
    album: tuple[Album, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _albums_agree(self) -> Self:
        words = Counter(word for album in self.album for word in album.words)
        for word in sorted(word for word, count in words.items() if count > 1):
            raise ValueError(f"{word!r} names two albums. Rename one of them")
        if sum(album.rest for album in self.album) > 1:
            raise ValueError("two albums have rest = true. Keep one of them")
        rules = [rule for album in self.album for rule in album.rules]
        if self.home is None and any(rule.away_from_home_km for rule in rules):
            raise ValueError("away_from_home_km needs to know where home is. Add [home]")
        return self


@dataclass(frozen=True)
class AlbumRules:
    """All albums, in the order of the file."""

    albums: tuple[Album, ...]
    label_names: dict[str, str] = field(default_factory=dict, hash=False)
    home: Home | None = None

    def find(self, word: str) -> Album | None:
        """Return the album that a word names: its id, name, an alias, a translation."""
        return next((album for album in self.albums if fold(word) in album.words), None)

    def label_name(self, label: str) -> str:
        """Return what people read for a label; a person's own tag is its own name."""
        return self.label_names.get(label, label)


def read_album_rules(file: Path | None, heads: Iterable[Head]) -> AlbumRules:
    """Read and check a rule file; None reads the shipped one.

    heads: those whose labels the rules may name. Raises PathNotFound, or InvalidSetting that
    names the file, the place in it, the value and what to do.
    """
    file = SHIPPED_FILE if file is None else file
    return parse_album_rules(read_rule_text(file), heads, str(file))


def read_rule_text(file: Path) -> str:
    """Read the text of a rule file; raises PathNotFound or InvalidSetting."""
    try:
        return file.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise PathNotFound(f"There is no album file {file}.") from error
    except OSError as error:
        raise InvalidSetting(f"{file} cannot be read: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        raise InvalidSetting(f"{file} is not UTF-8 text. Save it as UTF-8.") from error


def parse_album_rules(text: str, heads: Iterable[Head], source: str) -> AlbumRules:
    """Read and check the text of a rule file. source: what the message of an error begins with.

    Raises InvalidAlbumRules with the line.
    """
    existing_names = _names_of(heads)
    try:
        document = tomllib.loads(text)
        read = _AlbumFile.model_validate(document, context=existing_names)
    except tomllib.TOMLDecodeError as error:
        raise InvalidAlbumRules(
            f"{source} is not valid TOML: {error}. Correct it there.",
            line_of_syntax_error(str(error), text),
        ) from error
    except ValidationError as error:
        fault = _first_fault(error)
        line = line_of(text, fault["loc"])
        where = source if line is None else f"{source}, line {line}"
        raise InvalidAlbumRules(f"{where}: {_fault_text(fault, document)}", line) from error
    return AlbumRules(read.album, existing_names.vocabulary.names, read.home)


def read_span(text: str) -> tuple[str, str]:
    """Read "A" or "A..B": days, months, years, or days of every year ("12-24").

    Returns first and last, both included; raises ValueError.
    """
    first, _, last = (part.strip() for part in text.partition(".."))
    last = last or first
    yearly = len(first) == len("12-24")
    fits = _is_day(first) and _is_day(last) and yearly == (len(last) == len("12-24"))
    if not fits or (not yearly and last < first[: len(last)]):
        raise ValueError(f"{text!r} is no date. Write 2024-07-15, 2024-07, 2024, 12-24 or A..B")
    return first, last


def in_span(day: str, text: str) -> bool:
    """Tell whether a day (2024-07-15) is in a span of days, see `read_span`."""
    first, last = read_span(text)
    if len(first) != len("12-24"):
        return first <= day[: len(first)] and day[: len(last)] <= last
    after, before = day[5:] >= first, day[5:] <= last
    return (after and before) if first <= last else (after or before)  # may pass New Year


def _is_day(text: str) -> bool:
    match = _DAY.fullmatch(text)
    if match is None:
        return False
    year, month, day, yearly = match.groups()
    # 2024 has a 29 February, and so may every year's date.
    whole = f"2024-{yearly}" if yearly else f"{year}{month or '-01'}{day or '-01'}"
    try:
        date.fromisoformat(whole)
    except ValueError:
        return False
    return True


@dataclass(frozen=True)
class _Known:
    """What a rule file may name: heads, labels, and lines of the objects.

    shipped_objects: names in the shipped rules, which a bundle's objects need not have.
    """

    heads: frozenset[str]
    labels: frozenset[str]
    objects: frozenset[str]
    shipped_objects: frozenset[str]
    vocabulary: Vocabulary


def _names_of(heads: Iterable[Head]) -> _Known:
    heads = tuple(heads)
    vocabulary = vocabulary_of(heads)
    objects = (head.labels.labels for head in heads if head.id == OBJECTS)
    lines = frozenset(label.source_name for labels in objects for label in labels)
    shipped = _named_in_shipped_file()
    return _Known(
        heads=frozenset(head.id for head in heads) | shipped["heads"],
        labels=frozenset(vocabulary.names) - lines | shipped["tags"],
        objects=lines,
        shipped_objects=shipped["objects"],
        vocabulary=vocabulary,
    )


def _named_in_shipped_file() -> dict[str, frozenset[str]]:
    """What the shipped rules name: known in every bundle, also in one without those heads."""
    albums = tomllib.loads(SHIPPED_FILE.read_text(encoding="utf-8"))["album"]
    rules = [rule for album in albums for rule in album.get("rule", ())]
    unless = {label for album in albums for label in album.get("unless", ())}
    return {
        "tags": frozenset({label for rule in rules for label in rule.get("tags", ())} | unless),
        "objects": frozenset(name for rule in rules for name in rule.get("objects", ())),
        "heads": frozenset(head for rule in rules for head in rule.get("heads", ())),
    }


def _labels_of_kinds(labels: frozenset[str], existing_names: _Known | None) -> frozenset[str]:
    """Replace the id of a kind by the labels below it, objects aside; a label's id stays."""
    if existing_names is None:
        return labels
    replaced: set[str] = set()
    for label in sorted(labels):
        kind = existing_names.vocabulary.kind(label)
        if kind is None or label in existing_names.labels:
            replaced.add(label)
            continue
        below = kind.label_ids - existing_names.objects
        if not below:
            raise ValueError(f"the kind {label!r} has only objects. Write it into objects")
        replaced |= below
    return frozenset(replaced)


def _known_labels(labels: frozenset[str], existing_names: _Known | None) -> frozenset[str]:
    """Raise ValueError for a label that no head has; rules made in a program are not checked."""
    if existing_names is not None:
        for label in sorted(labels - existing_names.labels):
            meant = sorted(existing_names.vocabulary.label_ids_for(label) - existing_names.objects)
            hint = _nearest(label, sorted(existing_names.labels), meant)
            raise ValueError(f"there is no label {label!r}. {hint} Your own tags go into own_tags")
    return labels


def _object_lines(names: frozenset[str], existing_names: _Known | None) -> frozenset[str]:
    """Find the ImageNet lines that have a name ("ski"), are the whole line, or are of a kind.

    A kind counts only where no line has that name.
    """
    if existing_names is None or not existing_names.objects:
        return names
    lines: set[str] = set()
    for name in sorted(names):
        vocabulary, objects = existing_names.vocabulary, existing_names.objects
        label_ids = vocabulary.label_ids_for(name) & objects or vocabulary.ids_for(name) & objects
        if not label_ids and name in existing_names.shipped_objects:
            label_ids = frozenset({name})
        if not label_ids:
            words = [word for word, ids in vocabulary.words.items() if ids & objects]
            raise ValueError(f"there is no object {name!r}. {_nearest(name, words)}")
        lines |= label_ids
    return frozenset(lines)


def _nearest(word: str, existing_names: Iterable[str], meant: Iterable[str] = ()) -> str:
    """Say which known word was probably meant."""
    near = [*meant, *difflib.get_close_matches(fold(word).replace(" ", "_"), existing_names, 1)]
    return f"Did you mean {near[0]!r}?" if near else "albums.toml lists what there is."


def _first_fault(error: ValidationError) -> ErrorDetails:
    """Return what pydantic complains of first."""
    # A misspelt key is also a missing one: say what is there.
    return min(error.errors(), key=lambda fault: fault["type"] != "extra_forbidden")


def _fault_text(fault: ErrorDetails, document: dict[str, Any]) -> str:
    """Say in words what pydantic complains of, and where that is."""
    places, key, part = _place(fault["loc"], document)
    message = fault["msg"].removeprefix("Value error, ").replace("dictionary", "table")
    message = message.replace("frozenset", "list").replace("tuple", "list")
    if fault["type"] == "extra_forbidden":
        keys = ["rule" if name == "rules" else name for name in part.model_fields]
        message = f"unknown key {key!r}. {_nearest(key, keys)}"
    elif fault["type"] == "missing":
        message = f"{key} is missing. Add it"
    elif key in ("album", "rule") and isinstance(fault["input"], dict):
        message = f"[{key}] stands alone. Write it with double brackets"
    elif fault["type"] != "value_error":
        message = f"{key} = {fault['input']!r}: {message}"
    return ", ".join([*places, message]) + ("" if message.endswith(("?", ".")) else ".")


def _place(
    loc: tuple[int | str, ...], document: dict[str, Any]
) -> tuple[list[str], str, type[_Part]]:
    """Find the album and rule that pydantic's path leads to, and the key in it."""
    places: list[str] = []
    part: type[_Part] = _AlbumFile
    rest = loc
    match loc:
        case ("album", int(number), "rule", int(rule), *_):
            places, part, rest = [_album_named(document, number), f"rule {rule + 1}"], Rule, loc[4:]
        case ("album", int(number), *_):
            places, part, rest = [_album_named(document, number)], Album, loc[2:]
        case ("home", _, *_):
            places, part, rest = ["home"], Home, loc[1:]
    return places, str(rest[0]) if rest else "", part


def _album_named(document: dict[str, Any], number: int) -> str:
    row = document["album"][number]
    return f"album {row.get('id', number + 1) if isinstance(row, dict) else number + 1}"
