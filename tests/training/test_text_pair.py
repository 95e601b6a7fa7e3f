"""The text side of a bundle: captions, the fit, and the files that serving opens."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from scene_model.classifier.bundle import open_bundle
from scene_model.classifier.text.search_model import SearchModel
from scene_model.classifier.text.text_encoder import TextEncoder
from tests.bundles import SHIPPED, copy_shipped
from training.text_pair.captions import (
    Concept,
    concepts_of,
    probabilities,
    read_glosses,
    without_words_of,
    words_of,
)
from training.text_pair.fit import TextSide, fit_text_side, unit
from training.text_pair.held_out import folds, judge, read_queries
from training.text_pair.word_vectors import (
    INDEX_FILE,
    VECTORS_FILE,
    WordVectors,
    read_word_vectors,
    tokenize,
)

# Words of one row mean nearly the same.
MEANINGS = (("dog", "pup"), ("sea", "ocean"), ("cake", "tart"), ("car",), ("the",), ("hund",))
DATA_NOUN = """  1 This software and database is being provided to you, the LICENSEE, by
00001740 03 n 02 dog 0 domestic_dog 0 000 | a member of the genus Canis; "the dog barked"
00002000 03 n 01 sea 0 000 | a division of an ocean
"""


def concept(name: str, *aliases: str, translations: tuple[str, ...] = ()) -> Concept:
    return Concept(f"label {name}", (name, *aliases), "", translations, ())


@pytest.fixture(scope="module")
def words_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Vectors of a few words and two glosses."""
    folder = tmp_path_factory.mktemp("words")
    rng = np.random.default_rng(0)
    rows, index = [], []
    for meaning in MEANINGS:
        centre = rng.normal(size=50)
        for word in meaning:
            index.append(word)
            rows.append(centre + 0.2 * rng.normal(size=50))
    np.save(folder / VECTORS_FILE, np.array(rows, np.float32))
    pd.DataFrame({"index": index}).to_parquet(folder / INDEX_FILE)
    (folder / "data.noun").write_text(DATA_NOUN, encoding="utf-8")
    return folder


def test_glosses_come_without_examples(words_dir: Path) -> None:
    glosses = read_glosses(words_dir / "data.noun")
    assert glosses == {
        frozenset({"dog", "domestic dog"}): "a member of the genus Canis",
        frozenset({"sea"}): "a division of an ocean",
    }


def test_what_shares_a_word_with_a_held_out_label_trains_nothing() -> None:
    snow = concept("Snow", translations=("Schnee", "雪景"))
    others = [
        concept("Snows"),
        concept("Ski slope", "snow field"),
        concept("Ice", translations=("雪景房",)),
        concept("Field", translations=("雪",)),
    ]
    gloss = Concept("label Igloo", ("Igloo",), "a house made of snow", (), ())
    kept = without_words_of([snow, *others, gloss], [snow], tokenize)
    assert [(c.english[0], c.gloss) for c in kept] == [("Field", ""), ("Igloo", "")]


def test_labels_of_one_id_are_one_concept_with_kinds_and_groups() -> None:
    bundle = open_bundle(SHIPPED)
    concepts = {c.id: c for c in concepts_of(bundle, {})}
    heads = {head for head, _ in concepts["label mountain"].columns}
    assert heads == {"scenes", "camera", "camsdd", "places"}
    assert len(concepts["kind dog"].columns) > 100
    shown = probabilities(bundle, np.zeros((2, 2560), np.float32), [*concepts.values()])
    assert shown.shape == (2, len(concepts))
    # The labels of a group are among the 6, 36, 30, 365 or 1,000 of a head.
    assert shown.min() > 0 and shown.max() <= 1


def test_a_foreign_word_means_what_it_translates(words_dir: Path) -> None:
    dog = concept("dog", translations=("Jagdhund",))
    words = read_word_vectors(words_dir, [dog, concept("sea")], frequent=10)
    row = words.vectors[words.words.index("jagdhund")]
    assert np.allclose(row, words.vectors[words.words.index("dog")])
    assert words.tokenizer.encode("a DOG, éxotic").tokens == ["[UNK]", "dog", "[UNK]", "[UNK]"]


def test_a_word_that_no_label_has_finds_photos_of_its_meaning(words_dir: Path) -> None:
    side, embeddings = fitted(words_dir)
    photos = side.project(embeddings)
    for number, word in enumerate(("pup", "ocean", "tart")):
        best = np.argsort(-(photos @ side.encode([f"the {word}"])[0]))[:10]
        assert (best % 4 == number).all()


def test_a_text_without_words_is_like_no_photo(words_dir: Path) -> None:
    side, _ = fitted(words_dir)
    assert not side.encode(["xyzzy", ""]).any()


def fitted(words_dir: Path) -> tuple[TextSide, np.ndarray]:
    """Photos of four kinds in turn; three of the words near them are no labels."""
    concepts = [concept(meaning[0]) for meaning in MEANINGS[:4]]
    rng = np.random.default_rng(1)
    kinds = np.arange(200) % 4
    embeddings = np.eye(4, 12)[kinds] + 0.1 * rng.normal(size=(200, 12))
    shown = np.full((200, 4), 0.02, np.float32)
    shown[np.arange(200), kinds] = 0.9
    words = read_word_vectors(words_dir, concepts, frequent=10)
    return fit_text_side(words, concepts, embeddings.astype(np.float32), shown), embeddings


@pytest.mark.slow
@pytest.mark.tensorflow
def test_serving_opens_what_is_published_and_the_model_stays_the_same(tmp_path: Path) -> None:
    from training.text_pair.publish import write_text_side

    rng = np.random.default_rng(2)
    vocabulary = ("[PAD]", "[UNK]", "dog", "snow")
    table = np.vstack([np.zeros((2, 8)), rng.normal(size=(2, 8))]).astype(np.float32)
    kernel = rng.normal(size=(2560, 8)).astype(np.float32)
    words = WordVectors(vocabulary, np.zeros((4, 50), np.float32), np.ones(4, np.float32))
    side = TextSide(words, table, kernel, np.ones(8, np.float32))
    bundle = open_bundle(copy_shipped(tmp_path))
    shipped_id = bundle.description.id
    write_text_side(bundle, side)
    published = open_bundle(bundle.folder)
    assert published.description.id == shipped_id
    text = TextEncoder.open(published)
    texts = ["a dog in the snow", "Dog", "unheard of"]
    assert np.abs(text.encode(texts) - side.encode(texts)).max() < 0.01
    search = SearchModel.of("shipped", published, None)
    assert search.direction("Dog").any() and not search.direction("unheard of").any()
    embeddings = rng.normal(size=(3, 2560)).astype(np.float32)
    assert np.abs(text.project(embeddings) - side.project(embeddings)).max() < 0.01


def test_the_test_queries_fit_their_labels() -> None:
    by_id = {c.id: c for c in concepts_of(open_bundle(SHIPPED), {})}
    rows, pairs = read_queries()
    for row in rows:
        words = words_of([by_id[f"label {row.id}"]], tokenize)
        for sentence in row.sentences:
            assert not words.isdisjoint(tokenize(sentence)), sentence
        for description in row.descriptions:
            assert words.isdisjoint(tokenize(description)), description
    assert all(f"label {label}" in by_id for pair in pairs for label in pair.ids)
    parts = folds(rows)
    assert sorted(label for part in parts for label in part) == sorted(row.id for row in rows)


def test_a_ranking_is_judged_by_its_first_ten() -> None:
    is_right = np.zeros(40, np.bool_)
    is_right[[3, 5, 30]] = True
    judged = judge([0, 3, 5, *range(6, 20)], is_right)
    assert (judged.recall, judged.precision, judged.reciprocal) == (2 / 3, 0.2, 0.5)
    nothing = judge([], is_right)
    assert (nothing.recall, nothing.reciprocal) == (0, 0)


def test_rows_get_length_one() -> None:
    assert np.allclose(unit(np.array([[3.0, 4.0], [0.0, 0.0]])), [[0.6, 0.8], [0.0, 0.0]])


def test_the_shipped_model_reads_sentences() -> None:
    text = TextEncoder.open(open_bundle(SHIPPED))
    dog, *others = text.encode(["a dog in the snow", "ein Hund im Schnee", "a plate of pasta"])
    assert dog @ others[0] > 0.7 > 0.4 > dog @ others[1]
