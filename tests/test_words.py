"""Names and prose keep to the field's terms: words that were replaced do not come back."""

import ast
import io
import re
import tokenize
from collections.abc import Collection, Iterator
from pathlib import Path

import pytest

from scene_model.config import PROJECT_DIR

pytestmark = pytest.mark.slow

PACKAGES = ("scene_model", "pages", "training", "benchmarks", "tests", "docs")
# Names of earlier versions, each with the term that replaced it.
REPLACED_NAMES = {
    "Desk": "ApiContext",
    "LookQueue": "InferenceQueue",
    "Look": "Prediction",
    "look": "predict, prediction",
    "looks": "inference_queue, predictions",
    "Answers": "HeadPredictions",
    "doorway": "middleware",
    "ShelfBundle": "BundleEntry",
    "shelf": "catalogue",
    "Eye": "FrozenFeatures",
    "eye": "frozen_features",
    "twins": "near_duplicates",
    "twin": "near_duplicate",
    "lookalikes": "hash_neighbours",
    "has_lookalike": "has_hash_neighbour",
    "turned_hashes": "hash_rotations",
    "seen": "embedding_scan, or what was seen",
    "Seen": "ScannedPhoto",
    "Remembered": "QueryCache",
    "Claim": "LockFile",
    "claim": "lock_file",
    "take_claim": "acquire_lock",
    "look_and_keep": "ingest_photo",
    "held_tags": "effective_tags",
    "Crew": "WorkerPools",
    "crew": "worker_pools",
    "WaitedFor": "PendingFiles",
    "waited_for": "pending",
    "take_up": "resume_batch",
    "left_behind": "find_unfinished",
    "Lesson": "TagCandidate",
    "lesson": "candidate",
    "announce_step": "before_step",
    "take_back": "revert",
    "Filer": "Classification",
    "filer": "classification",
    "FileStays": "FileSkipped",
    "placeless": "strip_gps",
    "travelling_tags": "sidecar_sync",
    "forecast": "retag_preview",
    "Forecast": "RetagPreview",
    "Book": "PagedGrid",
    "turning_grid": "paged_grid",
    "likeness": "similarity",
    "nearby_pages": "page_cache",
    "pages_ahead": "prefetch",
    "undo_line": "undo_button",
    "desk": "context",
    "heap": "source photos, folder",
    "said": "what it holds: rows, message, label …",
    "found": "what it holds: matches, record, groups …",
    "known": "what it holds: existing_ids, names …",
    "one": "what it is",
    "wanted": "what it holds: required_bytes, expected …",
    "told": "what it holds: message, reason …",
}
# Fields that are written to files under their names, which earlier versions have written too.
STORED_FIELDS = {
    "scene_model/jobs/job.py": {"known", "_known"},
    "scene_model/classifier/taught_head.py": {"found"},
}
REPLACED_PHRASES = (
    r"\bdesks?\b",
    r"\bshel(f|ves)\b",
    r"\btwins?\b(?!`)",
    r"look-?alikes?",
    r"\bheaps?\b",
    r"\blooked at (once|anew|again)\b",
    r"\blooks? at a photo\b",
    r"\btaken? up what\b",
    r"\bleft behind\b",
    r"\bwhose turn it is\b",
    r"\blet (it|them) go\b",
    r"\bgive order to\b",
)


def python_files() -> Iterator[Path]:
    for package in PACKAGES:
        yield from sorted((PROJECT_DIR / package).rglob("*.py"))
    yield PROJECT_DIR / "app.py"


def names_bound_in(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Every name a file gives: variables, parameters, functions, classes, attributes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name, node.lineno
        elif isinstance(node, ast.arg):
            yield node.arg, node.lineno
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id, node.lineno
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr, node.lineno


def prose_of(source: str) -> Iterator[tuple[str, int]]:
    """Comments and docstrings with their line numbers."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.string, token.start[0]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            docstring = ast.get_docstring(node)
            if docstring:
                yield docstring, getattr(node, "lineno", 1)


def replaced_names(source: str, stored: Collection[str] = ()) -> list[str]:
    return [
        f"{line}: {name} (now: {REPLACED_NAMES[name.lstrip('_')]})"
        for name, line in names_bound_in(ast.parse(source))
        if name.lstrip("_") in REPLACED_NAMES and name not in stored
    ]


_ANY_REPLACED_PHRASE = re.compile("|".join(f"(?:{p})" for p in REPLACED_PHRASES), re.IGNORECASE)


def replaced_phrases(text: str) -> list[str]:
    return [match[0] for match in _ANY_REPLACED_PHRASE.finditer(text)]


def test_no_replaced_name_is_left() -> None:
    left = [
        f"{path.relative_to(PROJECT_DIR)}:{name}"
        for path in python_files()
        if path.name != "test_words.py"
        for name in replaced_names(
            path.read_text(encoding="utf-8"),
            STORED_FIELDS.get(path.relative_to(PROJECT_DIR).as_posix(), ()),
        )
    ]
    assert not left, f"{len(left)} names:\n" + "\n".join(left)


def test_no_replaced_phrase_is_left() -> None:
    sources = {
        path: path.read_text(encoding="utf-8")
        for path in python_files()
        if path.name != "test_words.py"
    }
    left = [
        f"{path.relative_to(PROJECT_DIR)}:{line}: {phrase}"
        for path, source in sources.items()
        if replaced_phrases(source)  # to tokenize every file takes long
        for text, line in prose_of(source)
        for phrase in replaced_phrases(text)
    ]
    documents = [*PROJECT_DIR.glob("*.md"), *PROJECT_DIR.glob("docs/**/*.md")]
    left += [
        f"{path.relative_to(PROJECT_DIR)}: {phrase}"
        for path in documents
        for phrase in replaced_phrases(path.read_text(encoding="utf-8"))
    ]
    assert not left, f"{len(left)} phrases:\n" + "\n".join(left)


@pytest.mark.parametrize(
    "source",
    ["found = 1", "def f(said): ...", "class Desk: ...", "for one in (): ...", "x.told = 1"],
)
def test_a_replaced_name_is_noticed(source: str) -> None:
    assert replaced_names(source)


def test_a_replaced_phrase_is_noticed() -> None:
    assert replaced_phrases("# Photos of a heap, each a look-alike's twin.")
