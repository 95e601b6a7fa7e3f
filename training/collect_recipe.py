"""Configuration of `collect`: one TOML file, validated when it is read."""

import re
import tomllib
import unicodedata
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from training.picture_services import (
    CollectError,
)

Licence = Literal["cc0", "pdm", "by", "by-sa", "by-nd", "by-nc", "by-nc-sa", "by-nc-nd"]

MANIFEST_FILE = "manifest.csv"
_NOT_IN_A_FOLDER_NAME = re.compile(r'[/\\:*?"<>|;\x00-\x1f\x7f]')
_RESERVED = re.compile(r"(?i)^(con|conin\$|conout\$|prn|aux|nul|com[\d¹²³]|lpt[\d¹²³]) *(\.|$)")


class CollectRecipe(BaseModel):
    """What `collect` searches for, where, and which pictures it saves.

    labels: each label's queries; a label is also the name of its folder.
    also: further tags that every picture of a label gets.
    per_label: pictures to save for each label. licences: pictures with others are skipped.
    shortest_side: pixels; smaller pictures are skipped, and a scaled rendition is fetched
        instead of the original when the service has one that is large enough. Files are
        stored byte for byte as they were fetched.
    contact: an address (mail or web) where the service can reach you; goes into the
        User-Agent. Wikimedia requires one: https://meta.wikimedia.org/wiki/User-Agent_policy
    base_url: address of a mirror of the service.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    service: Literal["openverse", "commons"]
    labels: dict[str, tuple[str, ...]] = Field(min_length=1)
    also: dict[str, tuple[str, ...]] = {}
    per_label: int = Field(ge=1)
    licences: tuple[Licence, ...] = Field(default=("cc0", "pdm", "by", "by-sa"), min_length=1)
    shortest_side: int = Field(default=320, ge=1, le=1920)
    max_file_bytes: int = Field(default=20_000_000, ge=1)
    requests_per_s: float = Field(default=1.0, gt=0, le=10)
    timeout_s: float = Field(default=30.0, gt=0, le=600)
    contact: str | None = None
    base_url: str | None = None

    @field_validator("labels")
    @classmethod
    def _folder_names(cls, labels: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        by_folded_name: dict[str, str] = {}
        for label, queries in labels.items():
            check_label(label)
            if not queries or not all(query.strip() for query in queries):
                raise ValueError(f"label {label!r} has no query, or an empty one")
            folded = unicodedata.normalize("NFC", label).casefold()
            if folded in by_folded_name:
                raise ValueError(
                    f"labels {by_folded_name[folded]!r} and {label!r} would share a folder "
                    "on case-insensitive file systems; rename one"
                )
            by_folded_name[folded] = label
        return labels

    @field_validator("contact")
    @classmethod
    def _contact_in_a_header(cls, contact: str | None) -> str | None:
        if contact is not None and not (
            contact.isascii() and contact.isprintable() and re.search(r"@|https?://", contact)
        ):
            raise ValueError(f"{contact!r} is neither a mail nor a web address in plain ASCII")
        return contact

    @field_validator("base_url")
    @classmethod
    def _web_address(cls, base_url: str | None) -> str | None:
        if base_url is None:
            return None
        parts = urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{base_url!r} is not an http or https address")
        return base_url.rstrip("/")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        unknown = sorted(set(self.also) - set(self.labels))
        if unknown:
            raise ValueError(f"also names {unknown[0]!r}, which is not a label of this file")
        for tag in (tag for tags in self.also.values() for tag in tags):
            check_label(tag)
        if self.service == "commons" and self.contact is None:
            raise ValueError(
                "Wikimedia Commons requires a contact: set contact to your mail address or web page"
            )
        return self


def read_collect_recipe(file: Path) -> CollectRecipe:
    """Read a configuration; raises CollectError that names every wrong field."""
    try:
        fields = tomllib.loads(file.read_text(encoding="utf-8"))
        return CollectRecipe.model_validate(fields)
    except OSError as error:
        raise CollectError(f"{file} cannot be read: {error.strerror}.") from error
    except ValidationError as error:
        wrong = [
            ": ".join(filter(None, (".".join(map(str, e["loc"])), e["msg"]))).replace(
                "Value error, ", ""
            )
            for e in error.errors()
        ]
        raise CollectError(f"{file}: " + "; ".join(wrong)) from error
    except ValueError as error:  # not UTF-8, or not TOML
        raise CollectError(f"{file} is not a TOML file: {error}") from error


def check_label(label: str) -> None:
    """Raise ValueError when a label cannot be a folder's name on every system."""
    if not label.strip():
        raise ValueError("a label is empty")
    forbidden = _NOT_IN_A_FOLDER_NAME.search(label)
    if forbidden:
        raise ValueError(
            f"label {label!r} contains {forbidden[0]!r}, which no folder name may have"
        )
    if label != label.strip() or label.startswith(".") or label.endswith("."):
        raise ValueError(f"label {label!r} begins or ends with a dot or a space")
    if _RESERVED.match(label) or label.casefold() == MANIFEST_FILE:
        raise ValueError(f"label {label!r} is a reserved name; choose another")
    if len(label.encode()) > 100:
        raise ValueError(f"label {label[:20]!r}… has more than 100 bytes")
