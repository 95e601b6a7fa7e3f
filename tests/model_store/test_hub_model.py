"""Models of a hub: listed before they are downloaded, resumed, compared with their hashes."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scene_model.config import Settings
from scene_model.errors import ModelHubError, ModelRefused, NotForVisitors, SceneError
from scene_model.model_store.hub_client import is_public
from scene_model.model_store.hub_model import (
    HubModel,
    download,
    forget_download,
    is_reference,
    read_hub,
)
from scene_model.model_store.local_model import UNKNOWN_LICENCE, LocalModel
from tests.model_store.hub_server import COMMIT, Hub, hub_server
from tests.model_store.networks import ASSETS


@pytest.fixture
def hub() -> Iterator[Hub]:
    with hub_server() as hub:
        hub.add_folder(ASSETS / "vit")
        hub.files["LICENSE"] = b"The licence, in many words."
        hub.files["pytorch_model.bin"] = b"a pickle"
        yield hub


@pytest.fixture
def settings(tmp_path: Path, hub: Hub) -> Settings:
    return Settings(bundles=tmp_path / "bundles", model_hub=hub.base)


def fetch(offer: HubModel, settings: Settings) -> LocalModel:
    return download(offer, settings, lambda done, total: None)


def offer_of(hub: Hub, settings: Settings) -> HubModel:
    return read_hub(hub.repository, settings)


def test_nothing_is_downloaded_before_it_is_asked_for(hub: Hub, settings: Settings) -> None:
    offer = offer_of(hub, settings)
    assert hub.fetched == []
    assert not settings.bundles.exists()
    assert (offer.commit, offer.licence) == (COMMIT, "apache-2.0")
    assert sorted(offer.entries) == [
        "LICENSE",
        "README.md",
        "config.json",
        "model.onnx",
        "preprocessor_config.json",
    ]
    assert offer.size == sum(len(hub.files[name]) for name in offer.entries)
    assert offer.entries["model.onnx"].shown_hash.startswith("sha256 ")


def test_what_is_downloaded_and_what_is_sent(hub: Hub, settings: Settings) -> None:
    steps: list[tuple[int, int]] = []
    offer = offer_of(hub, settings)
    model = download(offer, settings, lambda done, total: steps.append((done, total)))
    assert {name for name, _ in hub.fetched} == set(offer.entries)
    for name in offer.entries:
        assert model.path(name).read_bytes() == hub.files[name]
    assert steps[-1] == (offer.size, offer.size)
    assert (model.licence, model.origin) == ("apache-2.0", f"org/vit-tiny@{COMMIT}")
    for headers in hub.headers:
        assert set(headers) <= {"Host", "User-Agent", "Accept-Encoding", "Connection", "Range"}
    forget_download(model)
    assert not model.folder.exists()


@pytest.mark.slow
def test_a_cut_connection_is_resumed(hub: Hub, settings: Settings) -> None:
    hub.faults["model.onnx"] = "cut"
    model = fetch(offer_of(hub, settings), settings)
    half = len(hub.files["model.onnx"]) // 2
    assert [part for name, part in hub.fetched if name == "model.onnx"] == [None, f"bytes={half}-"]
    assert model.path("model.onnx").read_bytes() == hub.files["model.onnx"]


@pytest.mark.slow
def test_an_earlier_download_is_resumed(hub: Hub, settings: Settings) -> None:
    offer = offer_of(hub, settings)
    hub.faults["model.onnx"] = "503"
    with pytest.raises(ModelHubError, match="status 503"):
        fetch(offer, settings)
    folder = settings.bundles / ".downloads" / f"org--vit-tiny@{COMMIT}"
    (folder / "model.onnx.part").write_bytes(hub.files["model.onnx"][:1000])
    hub.faults.clear()
    hub.gets.clear()
    model = fetch(offer, settings)
    assert ("model.onnx", "bytes=1000-") in hub.fetched
    # What was there before is not asked for again, and nothing is when all is there.
    names = [name for name, _ in hub.fetched]
    assert len(names) == len(set(names))
    hub.gets.clear()
    assert fetch(offer, settings).path("config.json").is_file()
    assert hub.fetched == []
    assert sorted(p.name for p in model.folder.iterdir()) == sorted(offer.entries)


def test_old_downloads_are_removed_and_fresh_ones_kept(hub: Hub, settings: Settings) -> None:
    downloads = settings.bundles / ".downloads"
    old, fresh = downloads / "org--old@1", downloads / "org--fresh@1"
    for folder in (old, fresh):
        folder.mkdir(parents=True)
    os.utime(old, (0, 0))
    fetch(offer_of(hub, settings), settings)
    assert (old.exists(), fresh.exists()) == (False, True)


def test_a_server_that_sends_no_parts(hub: Hub, settings: Settings) -> None:
    offer = offer_of(hub, settings)
    folder = settings.bundles / ".downloads" / f"org--vit-tiny@{COMMIT}"
    folder.mkdir(parents=True)
    (folder / "model.onnx.part").write_bytes(b"x" * 1000)
    hub.faults["model.onnx"] = "whole"
    assert fetch(offer, settings).path("model.onnx").read_bytes() == hub.files["model.onnx"]


@pytest.mark.parametrize("name", ["model.onnx", "config.json"])
def test_another_hash(hub: Hub, settings: Settings, name: str) -> None:
    offer = offer_of(hub, settings)
    hub.faults[name] = "other"
    with pytest.raises(ModelHubError) as caught:
        fetch(offer, settings)
    assert (caught.value.code, name in caught.value.message) == ("hub_file_differs", True)
    folder = settings.bundles / ".downloads" / f"org--vit-tiny@{COMMIT}"
    assert not list(folder.glob(f"{name}*"))
    hub.faults.clear()
    assert fetch(offer, settings).path(name).read_bytes() == hub.files[name]


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("404", "hub_not_found"),
        ("401", "hub_access_denied"),
        ("403", "hub_access_denied"),
        ("to http://example.org/model.onnx", "hub_address_refused"),
        ("to file:///etc/hostname", "hub_address_refused"),
        ("to ftp://127.0.0.1/model.onnx", "hub_address_refused"),
        ("to https://127.0.0.2:8443/model.onnx", "hub_address_refused"),
        ("to https://192.168.0.1/model.onnx", "hub_address_refused"),
        ("to https://169.254.169.254/latest", "hub_address_refused"),
        ("to https://[::ffff:10.0.0.1]/model.onnx", "hub_address_refused"),
    ],
)
def test_a_file_that_does_not_come(hub: Hub, settings: Settings, fault: str, code: str) -> None:
    offer = offer_of(hub, settings)
    hub.faults["model.onnx"] = fault
    with pytest.raises(ModelHubError) as caught:
        fetch(offer, settings)
    assert caught.value.code == code
    assert [name for name, _ in hub.fetched].count("model.onnx") == 1


@pytest.mark.slow
def test_redirects(hub: Hub, settings: Settings) -> None:
    offer = offer_of(hub, settings)
    with hub_server("cdn/files") as other:
        other.files["model.onnx"] = hub.files["model.onnx"]
        path = f"/cdn/files/resolve/{COMMIT}/model.onnx"
        hub.faults["model.onnx"] = f"to {other.base}{path}"
        assert fetch(offer, settings).path("model.onnx").is_file()
        assert [name for name, _ in other.fetched] == ["model.onnx"]
    hub.faults["config.json"] = f"to /{hub.repository}/resolve/{COMMIT}/config.json"
    (settings.bundles / ".downloads" / f"org--vit-tiny@{COMMIT}" / "config.json").unlink()
    with pytest.raises(ModelHubError, match="redirects more than 5 times"):
        fetch(offer, settings)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", False),
        ("localhost", False),
        ("::1", False),
        ("10.1.2.3", False),
        ("0.0.0.0", False),  # noqa: S104 - nothing is bound
        ("224.0.0.1", False),
        ("8.8.8.8", True),
        ("2001:4860:4860::8888", True),
    ],
)
def test_public_addresses(host: str, expected: bool) -> None:
    assert is_public(host) == expected


@pytest.mark.parametrize("address", ["http://example.org", "ftp://127.0.0.1", "example.org", ""])
def test_only_https_except_for_this_computer(tmp_path: Path, address: str) -> None:
    settings = Settings(bundles=tmp_path, model_hub=address)
    with pytest.raises(ModelHubError) as caught:
        read_hub("org/vit", settings)
    assert caught.value.code == "hub_address_refused"


def test_no_such_model(hub: Hub, settings: Settings) -> None:
    with pytest.raises(ModelHubError) as caught:
        read_hub("org/other", settings)
    assert caught.value.code == "hub_not_found"
    for text in ("org", "org/vit/more", "org/../vit", "org/vit@../x", "/org/vit", "org/vit?x=1"):
        assert not is_reference(text), text
        with pytest.raises(ModelRefused):
            read_hub(text, settings)
    assert is_reference("google/vit-base-patch16-224@v1.0")


@pytest.mark.parametrize(
    "info",
    [
        {"sha": "../../etc"},
        {"sha": None},
        {"siblings": 3},
        {"siblings": [{}]},
        {"siblings": [{"rfilename": "model.onnx", "blobId": "0", "size": float("inf")}]},
        {"siblings": [{"rfilename": "model.onnx", "blobId": "0", "size": -1}]},
        {"cardData": 3},
    ],
)
def test_a_listing_that_is_none(hub: Hub, settings: Settings, info: dict[str, Any]) -> None:
    hub.info = info
    with pytest.raises(ModelHubError):
        offer_of(hub, settings)


def test_names_that_lead_outside_are_passed_over(hub: Hub, settings: Settings) -> None:
    hub.files = {
        name: b"x" for name in ("../model.onnx", "/model.onnx", "a\\model.onnx", "C:/model.onnx")
    }
    with pytest.raises(ModelRefused) as caught:
        offer_of(hub, settings)
    assert caught.value.code == "model_files_missing"


def test_weights_without_a_graph(hub: Hub, settings: Settings) -> None:
    del hub.files["model.onnx"]
    with pytest.raises(ModelRefused) as caught:
        offer_of(hub, settings)
    assert "optimum-cli export onnx --model org/vit-tiny" in caught.value.message


def test_too_large_a_model_is_refused_before_it_is_downloaded(hub: Hub, tmp_path: Path) -> None:
    settings = Settings(bundles=tmp_path, model_hub=hub.base, max_model_bytes=10_000)
    with pytest.raises(ModelRefused) as caught:
        offer_of(hub, settings)
    assert (caught.value.code, hub.fetched) == ("model_too_large", [])


@pytest.mark.parametrize(
    ("info", "licence"),
    [
        ({}, UNKNOWN_LICENCE),
        ({"tags": ["vision", "license:mit"]}, "mit"),
        (
            {
                "cardData": {
                    "license": "other",
                    "license_name": "apple-amlr",
                    "license_link": "https://example.org/licence",
                }
            },
            "apple-amlr (https://example.org/licence)",
        ),
        ({"cardData": {"license": ["mit", "cc-by-4.0"]}}, "mit, cc-by-4.0"),
    ],
)
def test_licences(hub: Hub, settings: Settings, info: dict[str, Any], licence: str) -> None:
    hub.info = info
    assert offer_of(hub, settings).licence == licence


def test_visitors_of_a_shared_server_download_nothing(hub: Hub, tmp_path: Path) -> None:
    settings = Settings(bundles=tmp_path, model_hub=hub.base, mode="shared")
    with pytest.raises(NotForVisitors):
        read_hub(hub.repository, settings)
    assert hub.gets == []


def test_a_server_that_is_off(hub: Hub, tmp_path: Path) -> None:
    settings = Settings(bundles=tmp_path, model_hub="http://127.0.0.1:1")
    with pytest.raises(SceneError, match="cannot be reached"):
        read_hub(hub.repository, settings)
