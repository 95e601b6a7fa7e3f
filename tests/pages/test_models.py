"""The model page: what there is to choose from, the change, and tagging again."""

import re
import threading
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.state.session import get_own_services, get_services
from scene_model.classifier.classify import Classifier, Prediction
from scene_model.library import edits
from scene_model.services import Services
from tests.bundles import other_network, own_head
from tests.pages.conftest import texts

Files = list[tuple[str, bytes]]


@pytest.fixture
def own(shelf: Path) -> Path:
    """A model of one's own beside the program's; asked for before the pages start."""
    return own_head(shelf, "mine")


def button(app: AppTest, label: str) -> object:
    return next((b for b in app.button if b.label == label), None)


def click(app: AppTest, label: str, number: int = 0) -> AppTest:
    [b for b in app.button if b.label == label][number].click().run()
    return app


def plain(app: AppTest) -> str:
    return texts(app).replace("\\", "")


def test_every_model_is_offered_with_its_facts(own: Path, opened: Services, app: AppTest) -> None:
    damaged = other_network(own.parent, "half_copied")
    (damaged / "heads.npz").write_bytes(b"half")
    app.switch_page("model_card.py").run()
    said = plain(app)
    assert "Files photos under:** Zermatt, Trastevere" in said
    assert "Files photos under:** Buildings, Forest, Glacier, Mountain, Sea, Street" in said
    assert "My folders (2)" in said
    assert "First label right:** 87.5 % of 40 photos" in said
    assert re.search(r"made \d{4}-\d\d-\d\d", said)
    assert said.count("In use") == 1
    assert "half_copied" in said
    assert "Damaged" in said
    assert "SHA-256" in said
    assert len([b for b in app.button if b.label == "Use this model"]) == 1


def test_using_another_model(
    own: Path, opened: Services, app: AppTest, temple: bytes, flower: bytes
) -> None:
    opened.jobs.submit([("temple.jpg", temple), ("dahlia.jpg", flower)]).wait(60)
    temple_id = next(
        p.id for p in opened.library.records(opened.library.find()) if "temple" in p.name
    )
    edits.set_class(opened.library, [temple_id], "holiday")
    app.switch_page("model_card.py").run()
    assert "Tag the" not in str([b.label for b in app.button])
    click(app, "Use this model")
    said = plain(app)
    assert "New photos are tagged by mine from now on" in said
    assert "2 photos tagged by another model" in said
    assert opened.classifier.bundle.class_head == "my_folders"
    click(app, "Tag the 2 photos again with this model")
    for job in opened.jobs.running():
        assert job.wait(60)
    app.run()
    assert "2 of 2 photos tagged again" in plain(app)
    assert "tagged by another model" not in plain(app)
    counts = opened.library.count_by_class()
    assert counts == {"holiday": 1, "zermatt": 1}
    app.switch_page("gallery.py").run()
    app.session_state["class_filter"] = "zermatt"
    app.run()
    assert "1 of 2 photos" in texts(app)
    app.query_params["photo"] = next(i for i in opened.library.find() if i != temple_id)
    app.run()
    assert "Decided by: “My folders”, 100% sure" in plain(app)
    (chosen,) = [s for s in app.selectbox if s.label == "Class"]
    assert {"Zermatt", "Trastevere", "Flower"} <= set(chosen.options)


def test_refused_while_photos_are_tagged(
    own: Path, opened: Services, app: AppTest, temple: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    look, go_on = Classifier.predict, threading.Event()

    def slow(self: Classifier, data: bytes) -> Prediction:
        go_on.wait(30)
        return look(self, data)

    monkeypatch.setattr(Classifier, "predict", slow)
    job = opened.jobs.submit([("temple.jpg", temple)])
    app.switch_page("model_card.py").run()
    click(app, "Use this model")
    assert "Photos are being tagged just now" in plain(app)
    assert opened.classifier.bundle.class_head == "scenes"
    go_on.set()
    assert job.wait(60)


def test_a_job_is_followed_and_cancelled(
    own: Path, opened: Services, app: AppTest, made_photos: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened.jobs.submit(made_photos).wait(60)
    other_network(own.parent, "whole")
    opened.use_bundle("whole")
    look, seen, go_on = Classifier.predict, threading.Semaphore(0), threading.Event()

    def slow(self: Classifier, data: bytes) -> Prediction:
        seen.release()
        go_on.wait(30)
        return look(self, data)

    monkeypatch.setattr(Classifier, "predict", slow)
    app.switch_page("model_card.py").run()
    click(app, "Tag the 12 photos again with this model")
    assert "Tagging again" in texts(app)
    assert button(app, "Tag the 12 photos again with this model") is None
    # It is no upload: the first page goes on waiting for photos.
    app.switch_page("classify.py").run()
    assert "Your library holds 12 photos" in texts(app)
    app.switch_page("model_card.py").run()
    (job,) = opened.jobs.running()
    assert seen.acquire(timeout=30)
    click(app, "Cancel")
    go_on.set()
    assert job.wait(60)
    app.run()
    said = plain(app)
    assert "Cancelled" in said
    left = opened.library.count_tagged_by_others(opened.classifier.bundle_id)
    assert 0 < left < 12
    assert button(app, f"Tag the {left} photos again with this model") is not None


def test_a_model_named_by_the_settings_cannot_be_changed_here(
    own: Path, app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCENE_BUNDLE", str(own))
    app.run()
    app.switch_page("model_card.py").run()
    assert "SCENE_BUNDLE names the model to use" in plain(app)
    (use,) = [b for b in app.button if b.label == "Use this model"]
    assert use.disabled
    assert get_services().classifier.bundle.class_head == "my_folders"


def test_a_choice_that_is_gone_is_told(own: Path, app: AppTest, opened: Services) -> None:
    opened.use_bundle("mine")
    opened.close()
    get_own_services.clear()
    (own / "bundle.json").unlink()
    app.switch_page("model_card.py").run()
    said = plain(app)
    assert "The model chosen for this library cannot be used" in said
    assert "In use" in said
    assert "mine" in said


def test_published_again_meanwhile(own: Path, opened: Services, app: AppTest) -> None:
    opened.use_bundle("mine")
    for file in own.iterdir():
        file.unlink()
    own.rmdir()
    own_head(own.parent, "mine", labels=("zermatt", "ostia", "bern"))
    app.switch_page("model_card.py").run()
    assert "published again since the program started" in plain(app)
    app.button(key="use_mine").click().run()
    assert len(opened.classifier.head("my_folders").labels) == 3
    assert "published again" not in plain(app)


def test_plots_are_pictures_with_words(shelf: Path, app: AppTest) -> None:
    folder = shelf / "scene_mobilenet_v2"
    card = folder / "MODEL_CARD.md"
    plot = (folder / "plots" / "training_curves.png").read_bytes()
    for name in ("reliability", "coverage"):
        (folder / "plots" / f"{name}.png").write_bytes(plot)
    lines = [
        f"![The {name} plot](plots/{name}.png)" for name in ("reliability", "coverage", "gone")
    ]
    card.write_text("# A card\n\nWords.\n\n" + "\n".join(lines) + "\n\n## More\n", encoding="utf-8")
    app.run()
    app.switch_page("model_card.py").run()
    assert "![" not in texts(app)
    assert "## A card" in texts(app)
    assert "### More" in texts(app)
    shown = [image for frame in app.get("image") for image in frame.proto.imgs]
    assert [image.alt for image in shown] == ["The reliability plot", "The coverage plot"]
    assert [image.caption for image in shown] == [image.alt for image in shown]


def test_a_photo_of_another_network_is_looked_at_again(
    own: Path, opened: Services, app: AppTest, flower: bytes
) -> None:
    opened.jobs.submit([("dahlia.jpg", flower)]).wait(60)
    other_network(own.parent, "whole")
    opened.use_bundle("whole")
    (photo_id,) = opened.library.find()
    app.switch_page("gallery.py")
    app.query_params["photo"] = photo_id
    app.run()
    assert "the scores are those of the model in use" in plain(app)
    assert any("My sea" in bars.proto.body for bars in app.get("html"))
    opened.library.original_path(photo_id).unlink()
    app.query_params["photo"] = photo_id
    app.run()
    assert "The scores cannot be shown" in plain(app)
    assert "Decided by: “camera”" in plain(app)
