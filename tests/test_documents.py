"""README and documentation: links lead somewhere, and what they name exists."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scene_model import __version__
from scene_model.config import PROJECT_DIR
from scene_model.search.field_conditions import PROPERTIES, STATES
from scene_model.search.query import FIELDS

DOCS = PROJECT_DIR / "docs"
PAGES = sorted(DOCS.glob("*.md"))
DOCUMENTS = [*sorted(PROJECT_DIR.glob("*.md")), *PAGES]
MAX_README_LINES = 150


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def prose(path: Path) -> str:
    """A document without its code, where brackets are no links."""
    return re.sub(r"```.*?```|`[^`\n]*`", "", read(path), flags=re.DOTALL)


def anchors(path: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", prose(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title).lower().replace(" ", "-") for title in titles}


def pages_of(nav: list[dict[str, Any]]) -> Iterator[str]:
    for entry in nav:
        for target in entry.values():
            if isinstance(target, str):
                yield target
            else:
                yield from pages_of(target)


def ids(path: Path) -> str:
    return path.relative_to(PROJECT_DIR).as_posix()


@pytest.mark.parametrize("path", DOCUMENTS, ids=ids)
def test_links_and_pictures_lead_somewhere(path: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(path)):
        if re.match(r"https?://", link):
            continue
        name, _, anchor = link.partition("#")
        target = path.parent / name if name else path
        assert target.is_file(), link
        if anchor:
            assert anchor in anchors(target), link


@pytest.mark.parametrize("path", PAGES, ids=ids)
def test_pages_of_the_site_link_only_to_one_another(path: Path) -> None:
    assert not re.findall(r"\]\((\.\./[^)]*)\)", prose(path))


def test_the_site_lists_every_page() -> None:
    nav = tomllib.loads(read(PROJECT_DIR / "zensical.toml"))["project"]["nav"]
    assert sorted(pages_of(nav)) == [path.name for path in PAGES]


def test_every_screenshot_is_shown() -> None:
    shown = set(re.findall(r"\]\(screenshots/([^)]+)\)", read(DOCS / "guide.md")))
    assert shown == {path.name for path in (DOCS / "screenshots").iterdir()}


def test_the_readme_is_short() -> None:
    assert len(read(PROJECT_DIR / "README.md").splitlines()) <= MAX_README_LINES


def test_named_benchmarks_exist_and_every_benchmark_is_described() -> None:
    files = [*PROJECT_DIR.glob("benchmarks/*.py")]
    runnable = {path.stem for path in files if '__name__ == "__main__"' in read(path)}
    runnable |= {path.parent.name for path in PROJECT_DIR.glob("benchmarks/*/__main__.py")}
    described = set(re.findall(r"benchmarks\.(\w+)", read(DOCS / "benchmarks.md")))
    assert described == runnable
    for path in DOCUMENTS:
        named = set(re.findall(r"python -m benchmarks\.(\w+)", read(path)))
        assert named <= runnable, path.name


def test_named_files_exist() -> None:
    rooms = [path.name for path in (PROJECT_DIR / "scene_model").iterdir() if path.is_dir()]
    roots = {"docs": "", "pages": "", "scene_model": "", "tests": "", "training": "", "models": ""}
    folders = roots | {room: "scene_model/" for room in rooms}
    named = re.compile(rf"(?<![\w/.])(?:{'|'.join(folders)})/[\w/]+\.(?:py|md|toml)\b")
    for path in DOCUMENTS:
        for name in named.findall(read(path)):
            if "NAME" not in name:
                file = folders[name.partition("/")[0]] + name
                assert (PROJECT_DIR / file).is_file(), (path.name, file)


def test_the_changelog_has_dated_releases_and_this_version() -> None:
    titles = re.findall(r"^## (.+)$", read(PROJECT_DIR / "CHANGELOG.md"), re.MULTILINE)
    upcoming, *releases = titles if titles[0].startswith("[Unreleased]") else ["", *titles]
    dated = [re.fullmatch(r"\[(\d+\.\d+\.\d+)\] - \d{4}-\d\d-\d\d", title) for title in releases]
    assert all(dated), titles
    assert f"({__version__})" in upcoming or f"[{__version__}]" in releases[0]


def test_the_glossary_is_in_alphabetical_order() -> None:
    terms = re.findall(r"^\| ([^|]+?) \| ", read(DOCS / "glossary.md"), re.MULTILINE)[1:]
    assert terms == sorted(terms, key=str.lower)
    assert len(terms) == len(set(terms))


def test_every_promise_names_tests_that_exist() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", read(DOCS / "security.md"))
    assert len(named) > 40
    for path, name in named:
        assert re.search(rf"def {name}\b", read(PROJECT_DIR / path)), f"{path}::{name}"


@pytest.mark.parametrize("path", [DOCS / "query-language.md", PROJECT_DIR / "pages" / "search.py"])
def test_every_part_of_the_query_language_is_described(path: Path) -> None:
    """Also in the table on the page Search."""
    described = " ".join(re.findall(r"`([^`\n]+)`", read(path)))
    parts = [rf"\b{field}[:<>=]" for field in FIELDS]
    parts += [f"is:{state}" for state in STATES] + [f"has:{name}" for name in PROPERTIES]
    assert [part for part in parts if not re.search(part, described)] == []
