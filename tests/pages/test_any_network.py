"""Every page with a bundle of another network, other labels, no tag head and no groups."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.state.session import get_services
from tests.pages.conftest import texts
from tests.pictures import encode, textured
from tests.tiny_networks import float_rule, headless_bundle, onnx_network, tagging_bundle

PAGES = (
    *("classify", "gallery", "search", "export", "albums", "trips", "map", "insights"),
    *("model_card", "review", "duplicates", "clutter", "dates", "teach", "rules", "sort"),
)


@pytest.fixture(params=[False, True], ids=["without-objects", "other-objects"])
def bundle(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tagging_bundle(tmp_path / "models" / "moods", bool(request.param))
    monkeypatch.setenv("SCENE_BUNDLE", str(folder))
    return folder


def test_every_page_opens(bundle: Path, app: AppTest) -> None:
    app.run()
    services = get_services()
    files = [(f"{i}.jpg", encode(textured(160, 120, seed=i))) for i in range(4)]
    assert services.jobs.submit(files).wait(60)
    for page in PAGES:
        app.switch_page(f"{page}.py").run()
        assert texts(app), page
    app.switch_page("gallery.py")
    app.query_params["photo"] = services.library.find()[0]
    app.run()
    assert "Moods" in texts(app)


def test_a_network_for_search_only_is_listed_as_that(
    bundle: Path, app: AppTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = float_rule()
    headless_bundle(bundle.parent / "words", onnx_network(rule), rule, "onnx")
    monkeypatch.delenv("SCENE_BUNDLE")
    monkeypatch.setenv("SCENE_BUNDLES", str(bundle.parent))
    app.run()
    app.switch_page("model_card.py").run()
    assert "Labels:** none; it serves search only" in texts(app)
    # Only the other one can tag.
    keys = [button.key for button in app.button if button.label == "Use this model"]
    assert keys == ["use_moods"]
