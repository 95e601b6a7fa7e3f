"""Search by sentences against search by keywords, on photos that trained neither.

    python -m benchmarks.sentences --data DATA --words WORDS [--folder DIR] [--json FILE]

Makes a library of the validation photos of each labelled source with the real program, and asks it
the queries of `training/text_pair/queries.toml`. The text side answers them twice: fitted without
the label in question (five fits, each without a fifth of the labels), and fitted with all.
Keyword search answers as it is, with words passed over that mean no label, and without the words
of the held-out label. DATA: the folder with the labelled photos; WORDS: word vectors and glosses,
see docs/training.md. With --folder, libraries and embeddings are stored there and reused.
"""

import argparse
import hashlib
import json
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from scene_model.classifier.bundle import open_bundle
from scene_model.classifier.fitting.splits import Part
from scene_model.classifier.model import CurrentModel, Model
from scene_model.classifier.vocabulary import Vocabulary
from scene_model.cli.main import main as run_command
from scene_model.config import DEFAULT_BUNDLE_DIR, Settings
from scene_model.gallery import Gallery
from scene_model.search.plain_words import may_be_passed_over
from scene_model.services import open_services
from training.recipe import TRAINING_DIR, read_recipe
from training.text_pair.captions import Concept, concepts_of, read_glosses, words_of
from training.text_pair.fit import TextSide
from training.text_pair.held_out import (
    ConceptQueries,
    Ranking,
    by_likeness,
    fit_without,
    folds,
    judge,
    read_queries,
)
from training.text_pair.photos import EmbeddedPhotos, embedded_photos
from training.text_pair.table import search_table
from training.text_pair.word_vectors import tokenize

FEWEST_PHOTOS = 3
_RESAMPLES = 2_000
Order = Sequence[int] | npt.NDArray[np.intp]
# (kind of query, name of the search) → the label of each query and its ranking.
Results = dict[tuple[str, str], list[tuple[str, Ranking]]]


class KeywordSearch:
    """Keyword search of the program on one source's validation photos."""

    def __init__(self, folder: Path, names: Sequence[str], archive: Path) -> None:
        """Make the library unless it is there. names: of the photos in the archive, in order."""
        photos, library = folder / "photos", folder / "library"
        photos.mkdir(parents=True, exist_ok=True)
        ids = []
        with zipfile.ZipFile(archive) as file:
            for name in names:
                content = file.read(name)
                # A file name is searched as well, and must not say the label.
                (photos / f"{hashlib.sha256(name.encode()).hexdigest()[:12]}.webp").write_bytes(
                    content
                )
                ids.append(hashlib.sha256(content).hexdigest())
        if not library.exists():
            run_command(["library", "add", str(photos), "--library", str(library), "--json"])
        self._positions = {photo_id: i for i, photo_id in enumerate(ids)}
        self._services = open_services(Settings(library=library, workers=1))
        self._galleries: dict[str | None, Gallery] = {None: self._services.gallery()}

    def order(self, query: str, without: Concept | None = None) -> list[int]:
        """Return the positions of the photos that a query finds, best match first."""
        return [self._positions[i] for i in self._gallery(without).ids(query)]

    def order_by_labels(self, query: str, without: Concept | None = None) -> list[int]:
        """As `order`, with all words passed over that mean no label; without any, nothing."""
        vocabulary = self._gallery(without).vocabulary
        words = [w for w in tokenize(query) if not may_be_passed_over(w)]
        meant = [word for word in words if vocabulary.ids_for(word)]
        return self.order(" ".join(f'"{word}"' for word in meant), without) if meant else []

    def close(self) -> None:
        """Close the library."""
        self._services.close()

    def _gallery(self, without: Concept | None) -> Gallery:
        key = None if without is None else without.id
        if without is not None and key not in self._galleries:
            model = Model.of(self._services.classifier)
            unknown = words_of([without], tokenize)
            model = replace(model, vocabulary=_without(model.vocabulary, unknown))
            gallery = Gallery(self._services.library, CurrentModel(model))
            self._galleries = {None: self._galleries[None], key: gallery}
        return self._galleries[key]


def _without(vocabulary: Vocabulary, unknown: set[str]) -> Vocabulary:
    """Forget the words of labels and kinds that have one of the unknown words in them."""

    def is_known(text: str) -> bool:
        return unknown.isdisjoint(tokenize(text))

    kinds = tuple(
        replace(kind, words=frozenset(word for word in kind.words if is_known(word)))
        for kind in vocabulary.kinds
    )
    words = {word: ids for word, ids in vocabulary.words.items() if is_known(word)}
    return replace(vocabulary, words=words, kinds=kinds)


class Comparison:
    """Asks every search the same queries and collects their rankings."""

    def __init__(self, photos: EmbeddedPhotos, searches: dict[str, KeywordSearch]) -> None:
        """photos: all of them. searches: by source."""
        self._photos, self._searches = photos, searches
        validation = photos.of_part(Part.VALIDATION)
        self._of = {source: photos.of_source(source, validation) for source in searches}
        self.results: Results = {}

    def ask(
        self,
        kind: str,
        labels: Sequence[str],
        queries: Iterable[str],
        sides: dict[str, TextSide],
        without: Concept | None = None,
    ) -> None:
        """Ask for the photos with all of the labels, in each source that has enough of them."""
        for source, keywords in self._searches.items():
            is_right = np.array(
                [self._photos.labels[i].issuperset(labels) for i in self._of[source]]
            )
            if is_right.sum() < FEWEST_PHOTOS:
                continue
            embeddings = self._photos.embeddings[self._of[source]]
            projected = {name: side.project(embeddings) for name, side in sides.items()}
            for query in queries:
                orders: dict[str, Order] = {
                    "keywords": keywords.order(query),
                    "keywords, other words ignored": keywords.order_by_labels(query),
                }
                if without is not None:
                    orders["keywords, held out"] = keywords.order_by_labels(query, without)
                for name, side in sides.items():
                    orders[name] = by_likeness(side, query, projected[name])
                for name, order in orders.items():
                    self._collect(kind, labels[0], name, judge(order, is_right))

    def _collect(self, kind: str, label: str, name: str, ranking: Ranking) -> None:
        self.results.setdefault((kind, name), []).append((label, ranking))


def figures(results: Results) -> list[dict[str, Any]]:
    """Return the figures of each kind of query, by search: what `text-pair --measured` reads."""
    return [
        {
            "kind": kind,
            "queries": len(next(judged for (of, _), judged in results.items() if of == kind)),
            "searches": {
                name: _figures(judged) for (of, name), judged in results.items() if of == kind
            },
        }
        for kind in dict.fromkeys(kind for kind, _ in results)
    ]


def _figures(judged: list[tuple[str, Ranking]]) -> dict[str, Any]:
    recall, precision, reciprocal = (
        np.array([getattr(ranking, field) for _, ranking in judged])
        for field in ("recall", "precision", "reciprocal")
    )
    means = _resampled([label for label, _ in judged], recall)
    return {
        "recall": round(100 * float(recall.mean()), 1),
        "interval": [round(100 * float(q), 1) for q in np.quantile(means, [0.025, 0.975])],
        "precision": round(100 * float(precision.mean()), 1),
        "reciprocal": round(float(reciprocal.mean()), 2),
    }


def _resampled(labels: list[str], values: npt.NDArray[np.float64]) -> list[float]:
    """Return means over resampled labels: queries about the same label are not independent."""
    by_label = {label: values[[of == label for of in labels]] for label in dict.fromkeys(labels)}
    groups = list(by_label.values())
    rng = np.random.default_rng(0)
    draws = rng.integers(len(groups), size=(_RESAMPLES, len(groups)))
    return [float(np.concatenate([groups[i] for i in draw]).mean()) for draw in draws]


def measure(data_dir: Path, words_dir: Path, folder: Path) -> Results:
    """Fit, ask and judge."""
    bundle = open_bundle(DEFAULT_BUNDLE_DIR)
    recipe = read_recipe(TRAINING_DIR / "configs" / "scene_mobilenet_v2.toml")
    concepts = concepts_of(bundle, read_glosses(words_dir / "data.noun"))
    photos = embedded_photos(recipe, bundle, data_dir, folder / "embeddings")
    searches = {}
    for source in recipe.sources:
        positions = photos.of_source(source.id, photos.of_part(Part.VALIDATION))
        names = [photos.names[i].removeprefix(f"{source.id}/") for i in positions]
        searches[source.id] = KeywordSearch(folder / source.id, names, data_dir / source.file)
    comparison = Comparison(photos, searches)
    queries, pairs = read_queries()
    full = fit_without((), bundle, concepts, photos, words_dir)
    by_id = {concept.id: concept for concept in concepts}
    for held_out in folds(queries):
        print(f"without {', '.join(held_out)}", file=sys.stderr, flush=True)
        sides = {
            "text, held out": fit_without(held_out, bundle, concepts, photos, words_dir),
            "text": full,
        }
        for row in (row for row in queries if row.id in held_out):
            _ask_all(comparison, row, by_id[f"label {row.id}"], sides)
    for pair in pairs:
        comparison.ask("two labels at once", pair.ids, pair.queries, {"text": full})
    for search in searches.values():
        search.close()
    return comparison.results


def _ask_all(
    comparison: Comparison, row: ConceptQueries, concept: Concept, sides: dict[str, TextSide]
) -> None:
    for kind, texts in (
        ("the label's name alone", concept.english[:1]),
        ("sentences with the name", row.sentences),
        ("descriptions without the name", row.descriptions),
        ("German, French, Spanish, Chinese", row.translated),
    ):
        comparison.ask(kind, [row.id], texts, sides, concept)


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--words", type=Path, required=True)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        results = measure(options.data, options.words, options.folder or Path(temporary))
    rows = figures(results)
    print("\n".join(search_table(rows)))
    if options.json is not None:
        options.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
