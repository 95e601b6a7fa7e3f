"""The library routes: photos by query and cursor, tags, exports, the OpenAPI document."""

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from scene_model.config import Settings
from scene_model.library import edits
from scene_model.library.albums.album_edits import create_album
from scene_model.library.clutter.clutter_edits import set_apart
from scene_model.library.clutter.conditions import ClutterKind
from scene_model.library.stacks.stack_edits import stack_photos_of
from scene_model.library.stacks.stack_rows import all_stacks
from scene_model.library.store import Library
from tests.api.conftest import client_of, problem_of
from tests.bundles import grouped
from tests.pictures import encode, textured

NAMES = [f"{name}.jpg" for name in ("alpha", "Beta", "gamma", "alpha", "delta")]


@pytest.fixture
def filled_api(api: TestClient) -> TestClient:
    """A library of five photos, two of one name."""
    sent = [
        ("files", (name, encode(textured(90, 60, seed=number))))
        for number, name in enumerate(NAMES)
    ]
    api.post("/api/predict/batch?add_to_library=true", files=sent)
    return api


def pages(api: TestClient, **parameters: Any) -> list[list[str]]:
    """Names, page by page, to the last."""
    names_by_page, cursor = [], None
    while True:
        page = api.get("/api/photos", params=parameters | ({"cursor": cursor} if cursor else {}))
        assert page.status_code == 200, page.text
        names_by_page.append([photo["name"] for photo in page.json()["photos"]])
        cursor = page.json()["next_cursor"]
        if cursor is None:
            return names_by_page


@pytest.mark.parametrize("key", ["added", "taken", "name", "score", "size"])
@pytest.mark.parametrize("minus", ["", "-"])
def test_every_order_in_pages(filled_api: TestClient, key: str, minus: str) -> None:
    order = f"{minus}{key}"
    (all_names,) = pages(filled_api, sort=order, limit=500)
    assert len(all_names) == 5
    for limit in (1, 2, 3):
        parts = pages(filled_api, sort=order, limit=limit)
        assert [name for part in parts for name in part] == all_names
        assert all(len(part) == limit for part in parts[:-1])


def test_photos_added_meanwhile_do_not_shift_pages(filled_api: TestClient) -> None:
    first = filled_api.get("/api/photos", params={"sort": "name", "limit": 2}).json()
    more = [("files", ("aaa.jpg", encode(textured(90, 60, seed=99))))]
    filled_api.post("/api/predict/batch?add_to_library=true", files=more)
    next_page = filled_api.get(
        "/api/photos", params={"sort": "name", "limit": 50, "cursor": first["next_cursor"]}
    ).json()
    assert [p["name"] for p in next_page["photos"]] == ["Beta.jpg", "delta.jpg", "gamma.jpg"]


def test_a_query(filled_api: TestClient) -> None:
    assert pages(filled_api, q="name:alpha", limit=1, sort="name") == [["alpha.jpg"], ["alpha.jpg"]]
    assert filled_api.get("/api/photos", params={"q": "name:alpha"}).json()["total"] == 2
    assert "bracket" in problem_of(filled_api.get("/api/photos", params={"q": "(a"}), 400)
    assert "added, taken" in problem_of(filled_api.get("/api/photos", params={"sort": "x"}), 400)
    problem_of(filled_api.get("/api/photos", params={"limit": 501}), 422)


def test_favourites_and_ratings(filled_api: TestClient, settings: Settings) -> None:
    photos = filled_api.get("/api/photos", params={"sort": "name"}).json()["photos"]
    assert {(photo["favourite"], photo["rating"]) for photo in photos} == {(False, 0)}
    photo_id = photos[0]["id"]
    with Library(settings.library) as library:
        edits.set_favourite(library, [photo_id], True)
        edits.set_rating(library, [photo_id], 4)
    photo = filled_api.get(f"/api/photos/{photo_id}").json()
    assert (photo["favourite"], photo["rating"]) == (True, 4)
    for query in ("is:favourite", "rating>=4", "rating:4", "-rating:0"):
        page = filled_api.get("/api/photos", params={"q": query}).json()
        assert [match["id"] for match in page["photos"]] == [photo_id]
    assert "from 0" in problem_of(filled_api.get("/api/photos", params={"q": "rating:9"}), 400)


def test_photos_name_their_stack(filled_api: TestClient, settings: Settings) -> None:
    photos = filled_api.get("/api/photos", params={"sort": "name"}).json()["photos"]
    assert [photo["stack"] for photo in photos] == [None] * len(photos)
    ids = [photo["id"] for photo in photos[:2]]
    with Library(settings.library) as library:
        stack_photos_of(library, ids)
        (stack,) = all_stacks(library)
    expected = {"kind": str(stack.kind), "top": stack.pick, "photo_ids": list(stack.photo_ids)}
    for photo_id in ids:
        assert filled_api.get(f"/api/photos/{photo_id}").json()["stack"] == expected
    page = filled_api.get("/api/photos", params={"q": "is:stacked"}).json()["photos"]
    assert page
    assert all(photo["stack"] == expected for photo in page)


def test_photos_say_whether_they_are_clutter(filled_api: TestClient, settings: Settings) -> None:
    first, *others = filled_api.get("/api/photos", params={"sort": "name"}).json()["photos"]
    assert (first["clutter"], first["apart"]) == (None, False)
    with Library(settings.library) as library:
        set_apart(library, [first["id"]], ClutterKind.RECEIPT)
    page = filled_api.get("/api/photos", params={"q": "is:apart"}).json()["photos"]
    assert [(p["id"], p["clutter"], p["apart"]) for p in page] == [(first["id"], "receipt", True)]
    # The API lists the whole library.
    assert filled_api.get("/api/photos").json()["total"] == 1 + len(others)
    unknown = filled_api.get("/api/photos", params={"q": "clutter:bill"})
    assert "receipt" in problem_of(unknown, 400)


@pytest.mark.parametrize("cursor", ["x", "é", "e30", "W10", "bnVsbA", "WyJuYW1lIiwxLDEsMV0"])
def test_invalid_cursors(filled_api: TestClient, cursor: str) -> None:
    assert "cursor" in problem_of(filled_api.get("/api/photos", params={"cursor": cursor}), 400)


def test_a_cursor_belongs_to_its_order(filled_api: TestClient) -> None:
    page = filled_api.get("/api/photos", params={"sort": "name", "limit": 1}).json()
    response = filled_api.get("/api/photos", params={"sort": "size", "cursor": page["next_cursor"]})
    assert "another order" in problem_of(response, 400)


def test_one_photo_and_its_tags(filled_api: TestClient) -> None:
    listed = filled_api.get("/api/photos", params={"sort": "name", "limit": 1}).json()["photos"][0]
    url = f"/api/photos/{listed['id']}"
    assert filled_api.get(url).json() == listed
    for kind in ("thumbnail", "preview", "full", "original"):
        assert filled_api.get(listed[f"{kind}_url"]).status_code == 200
    added = filled_api.post(f"{url}/tags", json={"tags": ["with Anna", "Beach"]}).json()
    labels = {tag["label"] for tag in added["tags"] if tag["head"] == "human"}
    assert labels == {"with Anna", "beach"}  # a display name becomes its label
    assert filled_api.get(f"{url}/tags").json() == added
    assert pages(filled_api, q='"with Anna"') == [["alpha.jpg"]]
    remaining = filled_api.delete(f"{url}/tags", params={"tag": "WITH anna"}).json()
    assert "with Anna" not in {tag["label"] for tag in remaining["tags"]}


def test_groups_and_guesses(
    settings: Settings, tmp_path: Path, flower: bytes, temple: bytes
) -> None:
    bundle = grouped(tmp_path / "models", sure=False)
    settings = settings.model_copy(update={"bundle": bundle})
    files = [("files", ("flower.jpg", flower)), ("files", ("temple.jpg", temple))]
    with client_of(settings) as api:
        api.post("/api/predict/batch?add_to_library=true", files=files)
        photos = {photo["name"]: photo for photo in api.get("/api/photos").json()["photos"]}
        temple_id = photos["temple.jpg"]["id"]
        with Library(settings.library) as library:
            edits.set_class(library, [temple_id], "sea")
        chosen = api.get(f"/api/photos/{temple_id}").json()
        predicted = api.post("/api/predict", files={"file": ("a.jpg", flower)}).json()
    by_model = photos["flower.jpg"]
    assert (by_model["class"], by_model["group"]) == ("unsure", "plants")
    assert predicted["group"] == "plants"
    assert by_model["guess"]["label"] and 0 < by_model["guess"]["score"] <= 1
    assert (chosen["class"], chosen["group"], chosen["guess"]) == ("sea", "water", None)


def test_invalid_tags(filled_api: TestClient) -> None:
    photo = filled_api.get("/api/photos").json()["photos"][0]
    url = f"/api/photos/{photo['id']}/tags"
    before = filled_api.get(url).json()
    assert "quotation" in problem_of(filled_api.post(url, json={"tags": ["ok", '"']}), 400)
    assert filled_api.get(url).json() == before  # all tags or none
    for body in (b"", b"{", b"{}", b"[]", b"null", b'{"tags": []}', b'{"tags": "x"}'):
        detail = problem_of(filled_api.post(url, content=body), 422)
        assert detail.startswith(("body: ", "tags: "))
    problem_of(filled_api.post(url, content=b" " * 1_000_001), 413)
    problem_of(filled_api.delete(url), 422)
    for photo_id in ("0" * 64, "x"):
        problem_of(filled_api.get(f"/api/photos/{photo_id}"), 404)
        problem_of(filled_api.get(f"/api/photos/{photo_id}/tags"), 404)
        problem_of(filled_api.post(f"/api/photos/{photo_id}/tags", json={"tags": ["a"]}), 404)
        problem_of(filled_api.delete(f"/api/photos/{photo_id}/tags", params={"tag": "a"}), 404)


def test_exports(filled_api: TestClient) -> None:
    body = {"q": "name:alpha", "sort": "-name", "format": "csv"}
    response = filled_api.post("/api/exports", json=body)
    assert response.status_code == 201
    export = response.json()
    assert export["photos"] == 2
    assert response.headers["location"] == export["download_url"]
    table = filled_api.get(export["download_url"]).text
    assert len(list(csv.DictReader(io.StringIO(table)))) == 2
    export = filled_api.post("/api/exports", json={"format": "zip"}).json()
    assert filled_api.get(export["download_url"]).headers["content-type"] == "application/zip"
    urls = [
        filled_api.post("/api/exports", json=body | {"format": kind}).json()["download_url"]
        for kind in ("json", "jsonl")
    ]
    all_names, lines = (filled_api.get(url).text for url in urls)
    assert [json.loads(line) for line in lines.splitlines()] == json.loads(all_names)
    assert len(json.loads(all_names)) == 2
    for by in ("class", "group", "head:camera"):
        sent = {"format": "zip", "by": by}
        url = filled_api.post("/api/exports", json=sent).json()["download_url"]
        assert f"by={by.replace(':', '%3A')}" in url
        assert filled_api.get(url).status_code == 200
    sent = {"format": "zip", "by": "colour"}
    assert "class, group, tag" in problem_of(filled_api.post("/api/exports", json=sent), 400)
    problem_of(filled_api.post("/api/exports", json={"q": "(a"}), 400)
    problem_of(filled_api.post("/api/exports", json={"format": "pdf"}), 422)


def test_addresses_that_are_none(api: TestClient) -> None:
    for path in ("/api/x%0Ay", "/api/photos/%C2%A0%0A%C3%A8/tags", "/api/jobs/%0A", "/api/"):
        problem_of(api.get(path), 404)


def test_limits_can_be_read(api: TestClient) -> None:
    limits = api.get("/api/models").json()["limits"]
    assert limits["max_batch_files"] == 1_500
    assert limits["max_json_bytes"] == 2_000_000


def test_the_document_names_every_route_and_what_it_may_answer(api: TestClient) -> None:
    document = api.get("/api/openapi.json").json()
    assert document["servers"] == [{"url": "/api"}]
    assert {"token": []} in document["security"]
    assert document["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    names = set(document["components"]["schemas"])
    assert {"Problem", "Prediction", "BatchAnswer", "JobStatus", "PhotoPage"} <= names
    references = set(re.findall(r'"#/components/schemas/(\w+)"', api.get("/api/openapi.json").text))
    assert references <= names
    for path, methods in document["paths"].items():
        for method, route in methods.items():
            for status, response in route["responses"].items():
                kinds = set(response.get("content", {}))
                if int(status) >= 400:
                    assert kinds == {"application/problem+json"}, (path, method, status)


def test_the_page_of_the_document_is_served_from_here(api: TestClient) -> None:
    page = api.get("/api/docs")
    assert page.headers["content-type"].startswith("text/html")
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert addresses
    for url in addresses:
        if url != "data:,":
            assert url.startswith("/api/docs-files/")
            assert api.get(url).status_code == 200
    assert "http" not in page.text.replace("https://github.com", "")


def test_albums_of_both_kinds(filled_api: TestClient, settings: Settings) -> None:
    ids = [photo["id"] for photo in filled_api.get("/api/photos").json()["photos"]]
    with Library(settings.library) as library:
        album_id = create_album(library, "Our trip", [ids[3], ids[0]])
    albums = filled_api.get("/api/albums").json()["albums"]
    assert albums[0] == {"id": str(album_id), "name": "Our trip", "kind": "own", "count": 2}
    assert {album["kind"] for album in albums[1:]} == {"rules"}
    assert "travel" in [album["id"] for album in albums]
    page = filled_api.get("/api/photos", params={"q": 'album:"our trip"'}).json()
    assert [photo["id"] for photo in page["photos"]] == [ids[3], ids[0]]
    table = filled_api.get(
        "/api/library/export.jsonl", params={"q": "album:our_trip", "sort": "match"}
    )
    assert [json.loads(line)["id"] for line in table.text.splitlines()] == [ids[3], ids[0]]
