"""The rules of albums in words."""

import pytest

from scene_model.classifier.albums.album_rules import Album, AlbumRules, Home
from scene_model.classifier.albums.album_words import rule_words

NAMES = {"dog": "Dog", "cat": "Cat", "painting": "Painting"}


@pytest.mark.parametrize(
    ("album", "words"),
    [
        ({"unknowable": "ask people"}, "Photos that you tag “Pets”"),
        ({"rest": True}, "Photos that are in no other rule album"),
        ({"rule": [{"tags": ["dog"]}]}, "Photos with the tag Dog"),
        (
            {"rule": [{"tags": ["dog", "cat"], "min_score": 0.85}], "unless": ["painting"]},
            "Photos with the tag Cat or Dog (at least 85 % sure). Not those with the tag Painting",
        ),
        (
            {"rule": [{"objects": ["ski"]}, {"own_tags": ["Rex"], "taken": ["12-24..12-26"]}]},
            "Photos of ski; or with your tag Rex and taken 12-24..12-26",
        ),
        (
            {"rule": [{"lens": ["front camera"], "camera": ["GoPro", "Canon"], "has_gps": False}]},
            "Photos taken with the lens front camera and taken with the camera Canon or GoPro and "
            "without a GPS position",
        ),
        (
            {"rule": [{"away_from_home_km": 1500.0, "has_gps": True}]},
            "Photos with a GPS position and taken at least 1,500 km from home",
        ),
        (
            {"rule": [{"tags": list("abcdefgh")}]},
            "Photos with the tag a, b, c, d, e, f or 2 others",
        ),
        ({"rule": [{"tags": list("abcdefg")}]}, "Photos with the tag a, b, c, d, e, f or g"),
    ],
)
def test_rules_in_words(album: dict[str, object], words: str) -> None:
    made = Album.model_validate({"id": "pets", "name": "Pets"} | album)
    rules = AlbumRules((made,), NAMES, Home(latitude=48.1, longitude=11.6))
    assert rule_words(made, rules) == words
