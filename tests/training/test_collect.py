"""`collect` against a local server with the APIs of Openverse and Wikimedia Commons."""

import csv
import hashlib
import json
import threading
from collections.abc import Iterator
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import ValidationError

from tests.pictures import encode, textured
from training.collect import MANIFEST_COLUMNS, CollectSummary, collect
from training.collect_recipe import CollectRecipe, read_collect_recipe
from training.data import load_examples
from training.picture_services import CollectError, licence_code
from training.recipe import TRAINING_DIR, HeadRecipe, Recipe, Source, Stage

Reply = tuple[int, dict[str, str], bytes]


class Clock:
    """A clock that advances only in `sleep`."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.now = 1_800_000_000.0
        self.slept: list[float] = []
        self.stop_after = stop_after

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        if self.stop_after is not None and len(self.slept) > self.stop_after:
            raise KeyboardInterrupt


class Services:
    """A server of both services and their pictures; records every request."""

    def __init__(self) -> None:
        self.openverse: dict[str, list[dict[str, Any]]] = {}  # query → results
        self.commons: dict[str, list[dict[str, Any]]] = {}  # query → pages
        self.files: dict[str, bytes] = {}
        self.first_replies: dict[str, list[Reply]] = {}  # path → replies sent before the real one
        self.page_size = 2
        self.clock = Clock()
        self.requests: list[tuple[float, str, dict[str, str]]] = []
        services = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                services.requests.append((services.clock.now, self.path, dict(self.headers)))
                status, headers, body = services.reply(self.path)
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}"

    def reply(self, path: str) -> Reply:
        parts = urlsplit(path)
        if waiting := self.first_replies.get(parts.path):
            return waiting.pop(0)
        parameters = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path == "/v1/images/":
            return 200, {}, json.dumps(self._openverse(parameters)).encode()
        if parts.path == "/w/api.php":
            return 200, {}, json.dumps(self._commons(parameters)).encode()
        if parts.path in self.files:
            return 200, {}, self.files[parts.path]
        return 404, {}, b"nothing here"

    def _openverse(self, parameters: dict[str, str]) -> dict[str, Any]:
        results = self.openverse.get(parameters["q"], [])
        start = (int(parameters["page"]) - 1) * self.page_size
        return {
            "result_count": len(results),
            "page_count": -(-len(results) // self.page_size),
            "page_size": self.page_size,
            "page": int(parameters["page"]),
            "results": results[start : start + self.page_size],
        }

    def _commons(self, parameters: dict[str, str]) -> dict[str, Any]:
        assert parameters["gsrnamespace"] == "6"
        pages = self.commons.get(parameters["gsrsearch"].removesuffix(" filetype:bitmap"), [])
        start = int(parameters.get("gsroffset", 0))
        response: dict[str, Any] = {"batchcomplete": ""}
        if listed := pages[start : start + self.page_size]:
            # Keyed by page id, as MediaWiki does; only "index" gives the order.
            numbered = [(i, page | {"index": start + i + 1}) for i, page in enumerate(listed)]
            response["query"] = {"pages": {str(90 - i): page for i, page in reversed(numbered)}}
        if start + self.page_size < len(pages):
            response["continue"] = {"gsroffset": start + self.page_size, "continue": "gsroffset||"}
        return response

    def picture(self, name: str, seed: int, width: int = 80, height: int = 64) -> str:
        """Serve a picture; returns its address."""
        self.files[f"/pic/{name}"] = encode(textured(width, height, seed))
        return f"{self.address}/pic/{name}"

    def openverse_result(self, url: str, **fields: object) -> dict[str, Any]:
        return {
            "id": hashlib.sha256(url.encode()).hexdigest(),
            "title": "Waves",
            "creator": "Ada",
            "license": "by-sa",
            "license_version": "2.0",
            "license_url": "https://creativecommons.org/licenses/by-sa/2.0/",
            "url": url,
            "foreign_landing_url": "https://photos.example/waves",
            "provider": "flickr",
        } | fields

    def commons_page(self, url: str, licence: str = "CC BY 4.0", **fields: object) -> Any:
        details = {
            "url": url,
            "thumburl": url,
            "descriptionurl": "https://commons.example/wiki/File:Waves.jpg",
            "mime": "image/jpeg",
            "extmetadata": {
                "Artist": {"value": '<a href="//x"><b>Ada &amp; Co</b></a>'},
                "LicenseShortName": {"value": licence},
                "LicenseUrl": {"value": "https://creativecommons.org/licenses/by/4.0"},
            },
        }
        return {"title": "File:Waves.jpg", "imageinfo": [details | fields]}

    def fetched(self) -> list[str]:
        """Paths of the requested pictures, in order."""
        return [path for _, path, _ in self.requests if path.startswith("/pic/")]


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    monkeypatch.setenv("no_proxy", "*")
    server = Services()
    thread = threading.Thread(target=server.server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.server.shutdown()
    server.server.server_close()
    thread.join()


def recipe(services: Services, **changes: object) -> CollectRecipe:
    fields: dict[str, object] = {
        "name": "tiny",
        "service": "openverse",
        "labels": {"Beach": ("beach",)},
        "per_label": 3,
        "shortest_side": 32,
        "contact": "ada@example.org",
        "base_url": services.address,
    }
    return CollectRecipe.model_validate(fields | changes)


def run(
    services: Services, out: Path, *, reports: list[str] | None = None, **changes: object
) -> Any:
    summary = collect(
        recipe(services, **changes),
        out,
        report=(reports if reports is not None else []).append,
        clock=services.clock,
        sleep=services.clock.sleep,
    )
    assert isinstance(summary, CollectSummary)
    return summary


def rows(out: Path) -> list[dict[str, str]]:
    with (out / "manifest.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def files(out: Path) -> list[str]:
    return sorted(p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file())


@pytest.fixture
def three_beaches(services: Services) -> Services:
    urls = [services.picture(f"beach{i}.jpg", seed=i) for i in range(3)]
    services.openverse["beach"] = [services.openverse_result(url) for url in urls]
    return services


def test_saves_the_bytes_and_their_attribution(three_beaches: Services, tmp_path: Path) -> None:
    services = three_beaches
    summary = run(services, tmp_path, also={"Beach": ("Coast", "Sky")})
    saved = rows(tmp_path)
    assert tuple(saved[0]) == MANIFEST_COLUMNS
    assert files(tmp_path) == sorted(["manifest.csv", *(row["file"] for row in saved)])
    for row, (path, data) in zip(saved, services.files.items(), strict=True):
        assert (tmp_path / row["file"]).read_bytes() == data
        assert row["file"].startswith("Beach/") and row["file"].endswith(".jpg")
        assert row["sha256"] == hashlib.sha256(data).hexdigest()
        assert row["source_path"] == services.address + path
    first = saved[0]
    assert (first["label"], first["also"]) == ("Beach", "Coast;Sky")
    assert (first["source_repo"], first["title"], first["author"]) == (
        "openverse/flickr",
        "Waves",
        "Ada",
    )
    assert first["licence"] == "CC BY-SA 2.0"
    assert first["licence_url"] == "https://creativecommons.org/licenses/by-sa/2.0/"
    assert first["landing_url"] == "https://photos.example/waves"
    assert summary.short == ()
    assert summary.lines() == ["Beach: 3 of 3 saved (3 new), 3 listed"]


def test_training_reads_a_collected_set(three_beaches: Services, tmp_path: Path) -> None:
    run(three_beaches, tmp_path / "set", also={"Beach": ("Coast",)})
    source = Source(id="own", file="set", head="camera", manifest="manifest.csv")
    training_recipe = Recipe(
        name="tiny",
        architecture="small_cnn",
        seed=1,
        sources=(source,),
        heads=(HeadRecipe(id="camera"),),
        stages=(Stage(input_size=32, epochs=1),),
        backbone_learning_rate=1e-3,
        head_learning_rate=1e-3,
        licence="test",
        attributions=(),
    )
    examples, skipped = load_examples(training_recipe, tmp_path)
    assert skipped == []
    assert [(e.label, e.also, e.origin) for e in examples] == [
        ("Beach", ("Coast",), "openverse/flickr")
    ] * 3


def test_searches_openverse_page_by_page_for_accepted_licences(
    three_beaches: Services, tmp_path: Path
) -> None:
    run(three_beaches, tmp_path, licences=("by-sa", "cc0"))
    searches = [parse_qs(urlsplit(p).query) for _, p, _ in three_beaches.requests if "/v1/" in p]
    assert [search["page"] for search in searches] == [["1"], ["2"]]
    assert {search["license"][0] for search in searches} == {"by-sa,cc0"}


def test_stops_searching_after_the_last_page(three_beaches: Services, tmp_path: Path) -> None:
    summary = run(three_beaches, tmp_path, per_label=10)
    assert sum("/v1/" in path for _, path, _ in three_beaches.requests) == 2
    assert summary.short == ("Beach",)
    assert summary.lines()[-1] == "Too few pictures: Beach. Add queries for these labels."


def test_pictures_with_other_licences_are_not_fetched(services: Services, tmp_path: Path) -> None:
    services.openverse["beach"] = [
        services.openverse_result(services.picture(f"{code}.jpg", seed), license=code)
        for seed, code in enumerate(("by-nc", "cc0", "by-nd", "pdm", "sampling+"))
    ]
    summary = run(services, tmp_path, per_label=5)
    assert services.fetched() == ["/pic/cc0.jpg", "/pic/pdm.jpg"]
    assert [row["licence"] for row in rows(tmp_path)] == ["CC0 2.0", "Public Domain Mark 2.0"]
    assert summary.labels[0].skipped == {"licence": 3}


def test_queries_of_a_label_alternate(services: Services, tmp_path: Path) -> None:
    for first_seed, query in ((0, "sand"), (10, "palm")):
        services.openverse[query] = [
            services.openverse_result(services.picture(f"{query}{i}.jpg", first_seed + i))
            for i in range(3)
        ]
    run(services, tmp_path, labels={"Beach": ("sand", "palm")}, per_label=4)
    assert services.fetched() == [f"/pic/{n}.jpg" for n in ("sand0", "palm0", "sand1", "palm1")]


def test_commons_is_read_page_by_page_best_first(services: Services, tmp_path: Path) -> None:
    licences = ("CC BY-SA 3.0", "GFDL", "CC0", "CC BY-NC 2.0", "Public domain")
    services.commons["beach"] = [
        services.commons_page(services.picture(f"{i}.jpg", i), licence)
        for i, licence in enumerate(licences)
    ]
    summary = run(services, tmp_path, service="commons", per_label=5)
    assert services.fetched() == ["/pic/0.jpg", "/pic/2.jpg", "/pic/4.jpg"]
    first = rows(tmp_path)[0]
    assert (first["source_repo"], first["title"], first["author"], first["licence"]) == (
        "commons",
        "Waves.jpg",
        "Ada & Co",
        "CC BY-SA 3.0",
    )
    assert summary.labels[0].skipped == {"licence": 2}
    agents = {headers["User-Agent"] for _, _, headers in services.requests}
    assert len(agents) == 1
    assert "SceneGallery" in (agent := agents.pop()) and "ada@example.org" in agent


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("CC BY-SA 4.0", "by-sa"),
        ("CC BY 2.0 de", "by"),
        ("CC-BY-NC-ND 3.0", "by-nc-nd"),
        ("CC BY SA 3.0", "by-sa"),
        ("CC BY-XY 1.0", "other"),
        ("CC SA 1.0", "other"),
        ("CC0", "cc0"),
        ("Public domain", "pdm"),
        ("GFDL 1.2", "other"),
        ("", "other"),
    ],
)
def test_commons_licence_names(name: str, code: str) -> None:
    assert licence_code(name) == code


def test_a_rendition_is_fetched_when_it_is_large_enough(services: Services, tmp_path: Path) -> None:
    pages = []
    for name, (width, height) in {"wide": (120, 30), "even": (60, 48)}.items():
        original = services.picture(f"{name}.jpg", seed=len(name), width=800, height=640)
        thumb = services.picture(f"{name}_thumb.jpg", len(name), width=width, height=height)
        pages.append(
            services.commons_page(original, thumburl=thumb, thumbwidth=width, thumbheight=height)
        )
    services.commons["beach"] = pages
    run(services, tmp_path, service="commons", per_label=2)
    assert services.fetched() == ["/pic/wide.jpg", "/pic/even_thumb.jpg"]
    assert rows(tmp_path)[1]["source_path"].endswith("/pic/even.jpg")  # names the original
    parameters = parse_qs(urlsplit(services.requests[0][1]).query)
    assert parameters["iiurlwidth"] == ["250"]  # a width that Wikimedia stores


def test_openverse_thumbnails_are_used_when_600_pixels_wide_are_enough(
    services: Services, tmp_path: Path
) -> None:
    original = services.picture("big.jpg", seed=1, width=900, height=600)
    thumbnail = services.picture("thumb.jpg", seed=1, width=600, height=400)
    services.openverse["beach"] = [
        services.openverse_result(original, thumbnail=thumbnail, width=900, height=600)
    ]
    run(services, tmp_path / "enough", shortest_side=400)
    run(services, tmp_path / "too_small", shortest_side=401)
    assert services.fetched() == ["/pic/thumb.jpg", "/pic/big.jpg"]


def test_a_missing_rendition_falls_back_to_the_original(services: Services, tmp_path: Path) -> None:
    original = services.picture("big.jpg", seed=1, width=900, height=600)
    gone = f"{services.address}/pic/gone.jpg"
    services.openverse["beach"] = [
        services.openverse_result(original, thumbnail=gone, width=900, height=600)
    ]
    summary = run(services, tmp_path)
    assert services.fetched() == ["/pic/gone.jpg", "/pic/big.jpg"]
    assert summary.labels[0].saved == 1


def test_requests_are_rate_limited(three_beaches: Services, tmp_path: Path) -> None:
    # One picture redirects: following a redirect counts as a request.
    three_beaches.first_replies["/pic/beach1.jpg"] = [(302, {"Location": "/pic/beach1.jpg"}, b"")]
    run(three_beaches, tmp_path, requests_per_s=0.25)
    times = [time for time, _, _ in three_beaches.requests]
    assert len(times) == 6
    assert {round(b - a, 6) for a, b in zip(times, times[1:], strict=False)} == {4.0}


@pytest.mark.parametrize("path", ["/v1/images/", "/pic/beach0.jpg"])
@pytest.mark.parametrize("status", [429, 503])
def test_waits_for_retry_after(
    three_beaches: Services, tmp_path: Path, path: str, status: int
) -> None:
    date = formatdate(three_beaches.clock.now + 120, usegmt=True)
    three_beaches.first_replies[path] = [
        (status, {"Retry-After": "17"}, b""),
        (status, {"Retry-After": date}, b""),
    ]
    summary = run(three_beaches, tmp_path, requests_per_s=10)
    assert summary.labels[0].saved == 3
    times = [time for time, url, _ in three_beaches.requests if urlsplit(url).path == path]
    assert times[1] - times[0] == pytest.approx(17)
    assert times[2] >= 1_800_000_120


def test_backs_off_longer_each_time_and_gives_up(three_beaches: Services, tmp_path: Path) -> None:
    busy: Reply = (503, {}, b"")
    three_beaches.first_replies["/pic/beach0.jpg"] = [busy] * 20
    summary = run(three_beaches, tmp_path, requests_per_s=10)
    times = [time for time, path, _ in three_beaches.requests if path == "/pic/beach0.jpg"]
    assert [round(b - a) for a, b in zip(times, times[1:], strict=False)] == [2, 4, 8]
    assert summary.labels[0].skipped == {"http_503": 1}
    assert summary.labels[0].saved == 2


def test_a_service_that_requires_a_long_pause_ends_the_run(
    three_beaches: Services, tmp_path: Path
) -> None:
    three_beaches.first_replies["/v1/images/"] = [(429, {"Retry-After": "7200"}, b"")]
    with pytest.raises(CollectError, match="try again in 7,200 s"):
        run(three_beaches, tmp_path)
    assert len(three_beaches.requests) == 1
    assert three_beaches.clock.slept == []


def test_one_bad_picture_never_fails_the_others(services: Services, tmp_path: Path) -> None:
    good = services.picture("good.jpg", seed=5)
    broken = services.picture("cut.jpg", seed=6)
    services.files["/pic/cut.jpg"] = services.files["/pic/cut.jpg"][:400]
    services.files["/pic/page.jpg"] = b"<html>not found</html>"
    tiny = services.picture("tiny.jpg", seed=7, width=64, height=31)
    heavy = services.picture("heavy.jpg", seed=8)
    services.files["/pic/heavy.jpg"] += bytes(50_000)
    urls = [
        broken,
        f"{services.address}/pic/page.jpg",
        f"{services.address}/pic/gone.jpg",
        tiny,
        heavy,
        "file:///etc/hostname",
        "http://127.0.0.1:notaport/x.jpg",
        "http://[::1/x.jpg",
        good,
    ]
    services.openverse["beach"] = [
        {"title": "no address"},
        *(services.openverse_result(url) for url in urls),
    ]
    reports: list[str] = []
    summary = run(services, tmp_path, reports=reports, max_file_bytes=40_000)
    assert summary.labels[0].skipped == {
        "truncated_photo": 1,
        "not_a_picture": 1,
        "http_404": 1,
        "too_small": 1,
        "too_many_bytes": 1,
        "unsafe_url": 3,
    }
    assert [row["source_path"] for row in rows(tmp_path)] == [good]
    assert files(tmp_path) == sorted(["manifest.csv", rows(tmp_path)[0]["file"]])
    for url in urls[:-1]:
        assert sum(url in line for line in reports) == 1
    # Refused by its Content-Length, before the body is read.
    assert any(f"{len(services.files['/pic/heavy.jpg']):,} bytes" in line for line in reports)


def test_a_body_without_a_length_is_cut_off_at_the_limit(
    services: Services, tmp_path: Path
) -> None:
    url = services.picture("endless.jpg", seed=1)
    body = services.files["/pic/endless.jpg"] + bytes(200_000)
    services.first_replies["/pic/endless.jpg"] = [
        (200, {"Content-Length": "", "Connection": "close"}, body)
    ]
    services.openverse["beach"] = [services.openverse_result(url)]
    summary = run(services, tmp_path, max_file_bytes=100_000)
    assert summary.labels[0].skipped == {"too_many_bytes": 1}


def test_an_incomplete_download_is_retried(services: Services, tmp_path: Path) -> None:
    url = services.picture("good.jpg", seed=5)
    data = services.files["/pic/good.jpg"]
    services.first_replies["/pic/good.jpg"] = [
        (200, {"Content-Length": str(len(data) + 9), "Connection": "close"}, data)
    ]
    services.openverse["beach"] = [services.openverse_result(url)]
    run(services, tmp_path)
    assert services.fetched() == ["/pic/good.jpg"] * 2
    assert (tmp_path / rows(tmp_path)[0]["file"]).read_bytes() == data


@pytest.mark.parametrize(
    ("location", "reason"),
    [("ftp://127.0.0.1/x.jpg", "unsafe_url"), ("file:///etc/hostname", "http_302")],
)
def test_redirects_are_followed_to_web_addresses_only(
    services: Services, tmp_path: Path, location: str, reason: str
) -> None:
    url = services.picture("moved.jpg", seed=5)
    services.first_replies["/pic/moved.jpg"] = [(302, {"Location": location}, b"")]
    services.openverse["beach"] = [services.openverse_result(url)]
    summary = run(services, tmp_path)
    assert summary.labels[0].skipped == {reason: 1}
    assert files(tmp_path) == ["manifest.csv"]


def test_a_killed_run_is_resumed_without_fetching_twice(
    three_beaches: Services, tmp_path: Path
) -> None:
    services = three_beaches
    services.clock.stop_after = 2  # the search, two pictures, then Ctrl-C
    with pytest.raises(KeyboardInterrupt):
        run(services, tmp_path)
    assert services.fetched() == ["/pic/beach0.jpg", "/pic/beach1.jpg"]
    before = rows(tmp_path)
    # The state after a kill in the middle of writing a row and a file.
    with (tmp_path / "manifest.csv").open("ab") as manifest:
        manifest.write(b"Beach/abc.jpg,Beach,,openve")
    (tmp_path / ".fetched.part").write_bytes(b"\xff\xd8half")
    services.clock.stop_after = None
    summary = run(services, tmp_path)
    assert services.fetched() == [f"/pic/beach{i}.jpg" for i in range(3)]
    after = rows(tmp_path)
    assert after[:2] == before
    assert len(after) == 3
    assert len(files(tmp_path)) == 4
    assert (summary.labels[0].saved, summary.labels[0].new) == (3, 1)
    services.requests.clear()
    run(services, tmp_path)
    assert services.requests == []  # nothing is missing: not even a search


def test_a_file_without_a_row_is_reused(three_beaches: Services, tmp_path: Path) -> None:
    run(three_beaches, tmp_path)
    manifest = tmp_path / "manifest.csv"
    before = manifest.read_bytes()
    manifest.write_bytes(b"".join(before.splitlines(keepends=True)[:-1]))
    run(three_beaches, tmp_path)
    assert manifest.read_bytes() == before
    assert len(files(tmp_path)) == 4


def test_no_file_is_overwritten(three_beaches: Services, tmp_path: Path) -> None:
    run(three_beaches, tmp_path)
    changed = tmp_path / rows(tmp_path)[0]["file"]
    changed.write_bytes(b"somebody's own")
    (tmp_path / "manifest.csv").unlink()
    summary = run(three_beaches, tmp_path)
    assert changed.read_bytes() == b"somebody's own"
    assert summary.labels[0].skipped == {"name_taken": 1}


def test_a_deleted_picture_is_replaced_by_a_different_one(
    three_beaches: Services, tmp_path: Path
) -> None:
    run(three_beaches, tmp_path, per_label=2)
    unfit = tmp_path / rows(tmp_path)[0]["file"]
    unfit.unlink()
    summary = run(three_beaches, tmp_path, per_label=2)
    assert not unfit.exists()
    assert three_beaches.fetched() == [f"/pic/beach{i}.jpg" for i in range(3)]
    assert summary.labels[0].saved == 2
    assert summary.labels[0].skipped == {"deleted_earlier": 1, "already_here": 1}


def test_one_picture_for_two_labels_is_one_file_with_two_tags(
    services: Services, tmp_path: Path
) -> None:
    both = services.openverse_result(services.picture("both.jpg", seed=1))
    copied = services.picture("copy.jpg", seed=1)  # the same bytes at another address
    own = services.openverse_result(services.picture("own.jpg", seed=2))
    services.openverse["beach"] = [both]
    services.openverse["night"] = [both, services.openverse_result(copied), own]
    labels = {"Beach": ("beach",), "Night": ("night",)}
    summary = run(services, tmp_path, labels=labels)
    assert services.fetched() == ["/pic/both.jpg", "/pic/copy.jpg", "/pic/own.jpg"]
    assert len(files(tmp_path)) == 3
    last_row = {row["file"]: row for row in rows(tmp_path)}
    assert sorted((row["label"], row["also"]) for row in last_row.values()) == [
        ("Beach", "Night"),
        ("Night", ""),
    ]
    assert summary.labels[1].skipped == {"has_another_label": 2}
    written = rows(tmp_path)
    run(services, tmp_path, labels=labels)
    assert rows(tmp_path) == written


def test_names_from_the_service_are_not_used_as_paths(services: Services, tmp_path: Path) -> None:
    url = services.picture("ok.jpg", seed=1)
    services.openverse["beach"] = [
        services.openverse_result(
            url,
            id="../../../evil",
            title='../../evil\n"Beach/x.jpg",Night\x1b[2J',
            creator="a\r\nb",
            provider="../up",
        )
    ]
    run(services, tmp_path / "inner" / "out")
    out = tmp_path / "inner" / "out"
    assert files(tmp_path) == [f"inner/out/{name}" for name in files(out)]
    (row,) = rows(out)
    assert row["title"] == '../../evil "Beach/x.jpg",Night [2J'
    assert row["author"] == "a b"
    assert (out / row["file"]).parent == out / "Beach"


def test_a_service_that_is_down_is_one_clear_error(services: Services, tmp_path: Path) -> None:
    services.server.server_close()
    with pytest.raises(CollectError, match=r"127\.0\.0\.1:\d+ cannot be used now") as raised:
        run(services, tmp_path, labels={"Beach": ("beach",), "Night": ("night",)})
    assert "base_url" in str(raised.value)
    assert files(tmp_path) == ["manifest.csv"]


@pytest.mark.parametrize(
    ("status", "body"), [(404, b""), (200, b"<html>"), (200, b"[]"), (200, b'{"detail": "no"}')]
)
def test_an_invalid_response_is_one_clear_error(
    services: Services, tmp_path: Path, status: int, body: bytes
) -> None:
    services.first_replies["/v1/images/"] = [(status, {}, body)]
    with pytest.raises(CollectError, match=r"127\.0\.0\.1"):
        run(services, tmp_path)


def test_commons_errors_with_status_200_are_detected(services: Services, tmp_path: Path) -> None:
    error = json.dumps({"error": {"code": "ratelimited", "info": "too fast"}}).encode()
    services.first_replies["/w/api.php"] = [(200, {}, error)]
    with pytest.raises(CollectError, match="ratelimited"):
        run(services, tmp_path, service="commons")


def test_a_refused_query_does_not_fail_the_others(three_beaches: Services, tmp_path: Path) -> None:
    three_beaches.first_replies["/v1/images/"] = [(500, {}, b"")]
    summary = run(three_beaches, tmp_path, labels={"Night": ("night",), "Beach": ("beach",)})
    assert [label.saved for label in summary.labels] == [0, 3]
    assert summary.labels[0].skipped == {"search_refused": 1}


def test_a_folder_with_a_foreign_manifest_is_not_changed(
    services: Services, tmp_path: Path
) -> None:
    manifest = tmp_path / "manifest.csv"
    for foreign in (b"file,label\na.jpg,Beach\n", b"no line end", b"\xff\xfe\n"):
        manifest.write_bytes(foreign)
        with pytest.raises(CollectError, match="not a manifest of this command"):
            run(services, tmp_path)
        assert manifest.read_bytes() == foreign


def test_an_output_that_is_a_file_is_a_clear_error(services: Services, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("taken")
    with pytest.raises(CollectError, match="Choose another folder"):
        run(services, tmp_path / "out")


@pytest.mark.parametrize(
    "label",
    ["", "  ", "a/b", "a\\b", "..", ".hidden", "end.", " Beach", "con", "NUL.txt", "Lpt1"]
    + ["a:b", "a;b", "tab\there", "Manifest.csv", "x" * 101],
)
def test_labels_that_cannot_be_folders_are_refused(services: Services, label: str) -> None:
    with pytest.raises(ValidationError, match="label"):
        recipe(services, labels={label: ("beach",)})


@pytest.mark.parametrize(
    ("changes", "error_text"),
    [
        ({"labels": {"Beach": ("a",), "BEACH": ("b",)}}, "would share a folder"),
        ({"labels": {"Caf\u00e9": ("a",), "Cafe\u0301": ("b",)}}, "would share a folder"),
        ({"labels": {"Beach": ()}}, "no query"),
        ({"labels": {"Beach": (" ",)}}, "no query"),
        ({"labels": {}}, "labels"),
        ({"also": {"Sea": ("Coast",)}}, "not a label of this file"),
        ({"also": {"Beach": ("a;b",)}}, "no folder name may have"),
        ({"service": "commons", "contact": None}, "set contact"),
        ({"contact": "me"}, "neither a mail nor a web address"),
        ({"contact": "me@example.org\r\nX: y"}, "neither a mail nor a web address"),
        ({"base_url": "file:///etc"}, "not an http or https address"),
        ({"licences": ("all",)}, "licences"),
        ({"requests_per_s": 0}, "requests_per_s"),
        ({"per_labels": 3}, "per_labels"),
    ],
)
def test_a_wrong_recipe_names_the_problem(
    services: Services, changes: dict[str, object], error_text: str
) -> None:
    with pytest.raises(ValidationError, match=error_text):
        recipe(services, **changes)


def test_reading_a_recipe_names_the_file_and_the_field(tmp_path: Path) -> None:
    file = tmp_path / "wrong.toml"
    with pytest.raises(CollectError, match=r"wrong\.toml cannot be read"):
        read_collect_recipe(file)
    file.write_text("labels = [")
    with pytest.raises(CollectError, match=r"wrong\.toml is not a TOML file"):
        read_collect_recipe(file)
    file.write_text('name = "x"\nservice = "flickr"\nper_label = 0\n[labels]\n"a/b" = ["c"]\n')
    with pytest.raises(CollectError) as raised:
        read_collect_recipe(file)
    for field in ("wrong.toml", "service", "per_label", "labels", "'a/b'"):
        assert field in str(raised.value)


def test_the_example_is_valid() -> None:
    example = read_collect_recipe(TRAINING_DIR / "configs" / "collect.toml")
    assert len(example.labels) == 12
    assert "Beach" in example.labels
    assert example.requests_per_s <= 1
