"""Album rules: the shipped file is sound, people may edit it, faults are told, reasons given."""

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from scene_model.classifier.albums.album_rules import (
    SHIPPED_FILE,
    Album,
    AlbumRules,
    Rule,
    read_album_rules,
)
from scene_model.classifier.albums.matching import (
    PhotoFacts,
    Placement,
    TagFact,
    albums_of,
    tag_facts,
)
from scene_model.classifier.bundle import open_bundle
from scene_model.classifier.classify import Classifier
from scene_model.classifier.heads import heads_of
from scene_model.config import DEFAULT_BUNDLE_DIR
from scene_model.errors import InvalidSetting, PathNotFound
from scene_model.library.predictions import predict_stored
from scene_model.photos.metadata import PhotoMetadata, read_metadata
from scene_model.services import Services

HEADS = tuple(heads_of(open_bundle(DEFAULT_BUNDLE_DIR)).values())
SHIPPED = read_album_rules(None, HEADS)
IDS = ["family", "friends", "travel", "nature", "events", "pets", "food", "hobbies", "selfies"]
MINIMAL = '[[album]]\nid = "pets"\nname = "Pets"\n[[album.rule]]\ntags = ["dog"]\n'


def facts(*tags: tuple[str, float | None], head: str = "camera", **exif: Any) -> PhotoFacts:
    seen_labels = (
        TagFact(label, "human" if score is None else head, score) for label, score in tags
    )
    return PhotoFacts(tuple(seen_labels), PhotoMetadata(**exif))


def albums(photo: PhotoFacts, rules: AlbumRules = SHIPPED) -> list[str]:
    return [placement.album for placement in albums_of(photo, rules)]


def rules_of(*rules: Rule, **fields: object) -> AlbumRules:
    album = Album.model_validate({"id": "one", "name": "One", "rule": rules} | fields)
    return AlbumRules((album,), SHIPPED.label_names)


def read(tmp_path: Path, text: str) -> AlbumRules:
    file = tmp_path / "albums.toml"
    file.write_text(text, encoding="utf-8")
    return read_album_rules(file, HEADS)


# The shipped file


def test_shipped_albums_are_the_ten_and_speak_five_languages() -> None:
    assert [album.id for album in SHIPPED.albums] == [*IDS, "others"]
    for album in SHIPPED.albums:
        assert set(album.translations) == {"de", "fr", "es", "zh"}


def test_shipped_comments_list_every_label_that_is_no_place() -> None:
    text = SHIPPED_FILE.read_text(encoding="utf-8")
    listed = re.search(r"# Labels: (.*?)\n#\n", text, re.DOTALL)
    assert listed is not None
    words = set(listed[1].replace("#", " ").split())
    listed_heads = [head for head in HEADS if head.id not in ("objects", "places")]
    assert words == {i for head in listed_heads for i in head.labels.ids}
    (places,) = (head for head in HEADS if head.id == "places")
    assert {"bathroom", "canyon", "airport_terminal"} <= set(places.labels.ids)


def test_shipped_objects_became_whole_imagenet_lines() -> None:
    hobbies = SHIPPED.find("hobbies")
    assert hobbies is not None
    objects = set().union(*(rule.objects for rule in hobbies.rules))
    assert {"ski", "acoustic guitar", "violin, fiddle"} <= objects


def test_the_examples_in_the_comments_can_be_switched_on(tmp_path: Path) -> None:
    text = SHIPPED_FILE.read_text(encoding="utf-8")
    key = re.compile(r"^# (\[.*\]|\w+ = .*)$", re.MULTILINE)
    rules = read(tmp_path, key.sub(r"\1", text))
    far = facts(latitude=-33.86, longitude=151.21)
    assert albums_of(far, rules) == [Placement("travel", "16,328 km from home")]
    assert albums(facts(("Birthday", None)), rules) == ["events"]
    assert albums(facts(taken_at="2019-12-31T23:50:00"), rules) == ["events"]
    assert albums(facts(taken_at="2024-08-02T10:00:00+02:00"), rules) == ["travel"]


@pytest.mark.parametrize(
    ("word", "album"), [("travel", "travel"), ("Hobbys", "hobbies"), ("SELFIE", "selfies")]
)
def test_albums_are_found_by_their_words(word: str, album: str) -> None:
    matched_album = SHIPPED.find(word)
    assert matched_album is not None and matched_album.id == album
    assert SHIPPED.find("nothing") is None


# Where photos go


def test_a_photo_goes_into_several_albums_and_says_why() -> None:
    photo = facts(("beach", 0.93), ("dog", 0.9), taken_at="2024-07-15T12:00:00")
    assert albums_of(photo, SHIPPED) == [
        Placement("travel", "tag Beach 93 %"),
        Placement("nature", "tag Beach 93 %"),
        Placement("pets", "tag Dog 90 %"),
    ]


@pytest.mark.parametrize(
    "lens",
    [
        "iPhone 6 front camera 2.65mm f/2.2",
        "iPhone 12 Pro front TrueDepth camera 2.71mm f/2.2",
        "Pixel 8 Pro front camera 2.74mm f/2.2",
    ],
)
def test_front_camera_is_a_selfie(lens: str) -> None:
    written = Image.new("RGB", (8, 8))
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA434] = lens
    file = io.BytesIO()
    written.save(file, "JPEG", exif=exif)
    photo = PhotoFacts(metadata=read_metadata(Image.open(file)))
    assert albums_of(photo, SHIPPED) == [Placement("selfies", f"lens {lens}")]


@pytest.mark.parametrize("lens", ["iPhone 13 Pro back triple camera 5.7mm f/1.5", "EF50mm", None])
def test_another_lens_is_no_selfie(lens: str | None) -> None:
    assert albums(facts(lens=lens)) == ["others"]


def test_friends_are_never_found_and_can_be_named() -> None:
    everything = [(i, 1.0) for head in HEADS if head.id != "objects" for i in head.labels.ids]
    assert "friends" not in albums(facts(*everything))
    for word in ("friends", "Freunde", "朋友"):
        assert albums_of(facts((word, None)), SHIPPED) == [Placement("friends", f"your tag {word}")]
    assert albums(facts(("friends", 0.99))) == ["others"]


def test_others_holds_what_no_album_does() -> None:
    assert albums_of(facts(("text_document", 0.99)), SHIPPED) == [
        Placement("others", "in no other album")
    ]
    assert albums(facts()) == ["others"]


def test_a_persons_tag_is_certain() -> None:
    assert albums(facts(("dog", 0.2))) == ["others"]
    assert albums_of(facts(("dog", None)), SHIPPED) == [Placement("pets", "your tag Dog")]
    assert "pets" not in albums(facts(("dog", 0.99), ("animals", 0.2)))
    assert "pets" in albums(facts(("dog", None), ("animals", 0.2)))
    assert "pets" in albums(facts(("pets", None), ("animals", 0.2)))


def test_min_score_is_reached_at_the_score_itself() -> None:
    rules = rules_of(Rule(tags=frozenset({"dog"}), min_score=0.5))
    assert albums(facts(("dog", 0.5)), rules) == ["one"]
    assert albums(facts(("dog", 0.499)), rules) == []


def test_heads_limit_who_may_say_so() -> None:
    rules = rules_of(Rule(tags=frozenset({"dog"}), heads=frozenset({"camsdd"})))
    assert albums(facts(("dog", 0.9), head="camera"), rules) == []
    assert albums(facts(("dog", 0.9), head="camsdd"), rules) == ["one"]
    assert albums(facts(("dog", None)), rules) == ["one"]


def test_objects_and_tags_do_not_answer_for_each_other() -> None:
    assert albums(facts(("ski", 0.9), head="objects")) == ["hobbies"]
    assert albums(facts(("ski", 0.9), head="camera")) == ["others"]
    assert albums(facts(("dog", 0.9), head="objects")) == ["others"]


def test_every_line_of_a_rule_must_hold_and_any_rule_will_do() -> None:
    both = Rule(tags=frozenset({"beach"}), has_gps=True, camera=("gopro",))
    rules = rules_of(both, Rule(taken=("2024",)))
    there: dict[str, Any] = {"latitude": 1.0, "longitude": 2.0, "camera": "GoPro HERO9"}
    assert albums(facts(("beach", 0.9)), rules) == []
    assert albums(facts(**there), rules) == []
    (placement,) = albums_of(facts(("beach", 0.9), **there), rules)
    assert placement.reason == "tag Beach 90 % and camera GoPro HERO9 and GPS position"
    assert albums(facts(taken_at="2024-01-01T00:00:00"), rules) == ["one"]


def test_without_gps() -> None:
    rules = rules_of(Rule(has_gps=False))
    assert albums(facts(), rules) == ["one"]
    assert albums(facts(latitude=1.0, longitude=2.0), rules) == []


@pytest.mark.parametrize(
    ("span", "inside", "outside"),
    [
        ("2024-07-15", ["2024-07-15"], ["2024-07-14", "2024-07-16", "2023-07-15"]),
        ("2024-07", ["2024-07-01", "2024-07-31"], ["2024-06-30", "2024-08-01"]),
        ("2024", ["2024-01-01", "2024-12-31"], ["2023-12-31", "2025-01-01"]),
        ("2024-07-15 .. 2024-08", ["2024-07-15", "2024-08-31"], ["2024-07-14", "2024-09-01"]),
        ("12-24..12-26", ["2001-12-24", "2024-12-26"], ["2024-12-27", "2024-01-24"]),
        ("12-31..01-01", ["2024-12-31", "2025-01-01"], ["2024-12-30", "2025-01-02"]),
        ("02-29", ["2024-02-29"], ["2023-02-28"]),
    ],
)
def test_taken(span: str, inside: list[str], outside: list[str]) -> None:
    rules = rules_of(Rule(taken=(span,)))
    assert all(albums(facts(taken_at=f"{day}T08:00:00"), rules) for day in inside)
    assert not any(albums(facts(taken_at=f"{day}T08:00:00"), rules) for day in outside)
    assert albums(facts(), rules) == []


LABELS = sorted({i for head in HEADS if head.id != "objects" for i in head.labels.ids})
TAGS = st.tuples(
    st.sampled_from([*LABELS, "friends", "reisen", "mine"]), st.none() | st.floats(0, 1)
)


@given(st.lists(TAGS, max_size=5), TAGS, st.sampled_from([None, "front camera"]))
def test_another_tag_takes_a_photo_out_of_others_only(
    tags: list[tuple[str, float | None]], added: tuple[str, float | None], lens: str | None
) -> None:
    before = set(albums(facts(*tags, lens=lens))) - {"others"}
    after = set(albums(facts(*tags, added, lens=lens)))
    kept_out = {album.id for album in SHIPPED.albums if added[0] in album.unless}
    assert before - kept_out <= after
    assert ("others" in after) == (after == {"others"})


@pytest.mark.slow
def test_albums_see_the_tags_that_the_library_keeps(
    services: Services,
    add_photos: Callable[[list[tuple[str, bytes]]], list[str]],
    temple: bytes,
    flower: bytes,
) -> None:
    for photo_id in add_photos([("temple.jpg", temple), ("flower.jpg", flower)]):
        (record,) = services.library.records([photo_id])
        stored = predict_stored(services.library, services.classifier, photo_id)
        seen_labels = tag_facts(stored.head_predictions)
        assert {(t.label, t.head) for t in seen_labels} == {(t.label, t.head) for t in record.tags}


def test_a_photograph_of_a_flower_is_nature(classifier: Classifier, flower: bytes) -> None:
    prediction = classifier.predict(flower)
    photo = PhotoFacts(tag_facts(prediction.head_predictions), prediction.metadata)
    reasons = {placement.album: placement.reason for placement in albums_of(photo, SHIPPED)}
    assert reasons["nature"].startswith("tag ")


# A person's own file


def test_an_edited_copy_takes_effect(tmp_path: Path) -> None:
    text = SHIPPED_FILE.read_text(encoding="utf-8")
    edited = text.replace('tags = ["cat", "dog"]', 'tags = ["cat", "dog", "bird"]')
    edited += '\n[[album]]\nid = "trains"\nname = "Trains"\n[[album.rule]]\nobjects = ["tram"]\n'
    rules = read(tmp_path, edited)
    assert "pets" not in albums(facts(("bird", 0.95)))
    assert "pets" in albums(facts(("bird", 0.95)), rules)
    line = "streetcar, tram, tramcar, trolley, trolley car"
    assert albums_of(facts((line, 0.7), head="objects"), rules) == [
        Placement("trains", "tag Streetcar 70 %")
    ]


def test_a_file_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    assert albums(facts(("dog", 0.9)), read(tmp_path, "\ufeff" + MINIMAL)) == ["pets"]


def test_rules_take_kinds(tmp_path: Path) -> None:
    rules = read(tmp_path, MINIMAL.replace("dog", "animal"))
    for label in ("animals", "dog", "bird", "cat"):
        assert albums(facts((label, 0.9)), rules) == ["pets"]
    for label in ("car", "food"):
        assert albums(facts((label, 0.9)), rules) == []
    rules = read(tmp_path, MINIMAL.replace("tags", "objects").replace("dog", "Musical instrument"))
    assert albums(facts(("violin, fiddle", 0.9), head="objects"), rules) == ["pets"]
    assert albums(facts(("desk", 0.9), head="objects"), rules) == []


def test_the_name_of_an_object_or_a_label_is_no_kind(tmp_path: Path) -> None:
    rules = read(tmp_path, MINIMAL.replace("tags", "objects").replace("dog", "castle"))
    assert rules.albums[0].rules[0].objects == {"castle"}
    assert read(tmp_path, MINIMAL).albums[0].rules[0].tags == {"dog"}


@pytest.mark.parametrize(
    ("text", "place", "remedy"),
    [
        (MINIMAL + "tgas = 1", "album pets, rule 1", "unknown key 'tgas'. Did you mean 'tags'?"),
        ("[[albums]]", "", "unknown key 'albums'. Did you mean 'album'?"),
        ("[home]\nlatitud = 1.0\n" + MINIMAL, "home", "unknown key 'latitud'. Did you mean"),
        ("[home]\nlatitude = 1.0\n" + MINIMAL, "home", "longitude is missing"),
        ("[home]\nlatitude = 91\nlongitude = 0\n" + MINIMAL, "home", "latitude = 91: "),
        (MINIMAL.replace("dog", "dgo"), "album pets, rule 1", "Did you mean 'dog'?"),
        (MINIMAL.replace("dog", "Text document"), "rule 1", "Did you mean 'text_document'?"),
        (MINIMAL.replace("dog", "puppy"), "album pets, rule 1", "Did you mean 'dog'?"),
        (MINIMAL.replace("dog", "snake"), "rule 1", "the kind 'snake' has only objects. Write it"),
        (MINIMAL.replace("dog", "wedding"), "rule 1", "Your own tags go into own_tags"),
        (MINIMAL.replace("tags", "objects").replace("dog", "skii"), "rule 1", "mean 'ski'?"),
        (MINIMAL + 'heads = ["cameras"]', "album pets, rule 1", "Did you mean 'camera'?"),
        (MINIMAL + 'taken = ["15.7.2024"]', "rule 1", "'15.7.2024' is no date. Write 2024-07-15"),
        (MINIMAL + 'taken = ["2023-02-29"]', "rule 1", "'2023-02-29' is no date"),
        (MINIMAL + 'taken = ["2024-08..2024-07"]', "rule 1", "is no date"),
        (MINIMAL + 'taken = ["2024-12-24..12-26"]', "rule 1", "is no date"),
        (MINIMAL + "min_score = 60", "rule 1", "min_score = 60: Input should be less than or eq"),
        (MINIMAL + "away_from_home_km = 50", "", "Add [home]"),
        (MINIMAL + "lens = []", "rule 1", "lens = []: "),
        (MINIMAL + 'lens = [" "]', "rule 1", "lens = ' ': "),
        (MINIMAL.replace('["dog"]', '"dog"'), "rule 1", "tags = 'dog': Input should be a valid li"),
        (MINIMAL.replace('tags = ["dog"]', "min_score = 0.5"), "rule 1", "it has no condition"),
        (MINIMAL.replace("[[album.rule]]", "[album.rule]"), "album pets", "double brackets"),
        (MINIMAL.replace("[[album", "[album").replace("]]", "]"), "", "double brackets"),
        (MINIMAL.replace('"pets"', '"../pets"'), "album ../pets", "id = '../pets': "),
        (MINIMAL.replace('name = "Pets"', ""), "album pets", "name is missing"),
        (MINIMAL.replace('name = "Pets"', "name = 1"), "album pets", "name = 1: "),
        (MINIMAL.replace("[[album.rule]]", 'unless = ["cta"]\n[[album.rule]]'), "pets", "'cat'?"),
        (MINIMAL.replace("[[album.rule]]", "rest = true\n[[album.rule]]"), "pets", "one of the th"),
        ('[[album]]\nid = "a"\nname = "A"', "album a", "give it rules, or rest = true"),
        (MINIMAL + MINIMAL, "", "'pets' names two albums. Rename one of them"),
        (MINIMAL + MINIMAL.replace('"pets"', '"dogs"'), "", "'pets' names two albums"),
        ("".join(f'[[album]]\nid="{i}"\nname="{i}"\nrest=true\n' for i in "ab"), "", "Keep one"),
        ("album = 1", "", "album = 1: "),
        ("album = [1]", "album 1", "Input should be"),
        ("", "", "album is missing"),
        ("[[album", "", "is not valid TOML"),
    ],
)
def test_faults_are_told_with_file_place_and_remedy(
    tmp_path: Path, text: str, place: str, remedy: str
) -> None:
    with pytest.raises(InvalidSetting) as raised:
        read(tmp_path, text)
    message = raised.value.message
    assert message.startswith(str(tmp_path / "albums.toml"))
    assert place in message and remedy in message, message
    assert re.search(r"[^.?][.?]$", message), message


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(PathNotFound, match=r"no album file .*nowhere"):
        read_album_rules(tmp_path / "nowhere.toml", HEADS)
    with pytest.raises(InvalidSetting, match="cannot be read"):
        read_album_rules(tmp_path, HEADS)
    latin = tmp_path / "latin.toml"
    latin.write_bytes(MINIMAL.replace("Pets", "Tiér").encode("latin-1"))
    with pytest.raises(InvalidSetting, match="Save it as UTF-8"):
        read_album_rules(latin, HEADS)
