"""The Model page: list of models, switching, retagging."""

import json
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
from tests.pages.conftest import field_data, texts

Files = list[tuple[str, bytes]]


@pytest.fixture
def own(models_dir: Path) -> Path:
    """A user's model next to the default model; made before the pages start."""
    return own_head(models_dir, "mine")


def button(app: AppTest, label: str) -> object:
    return next((b for b in app.button if b.label == label), None)


def click(app: AppTest, label: str, number: int = 0) -> AppTest:
    [b for b in app.button if b.label == label][number].click().run()
    return app


def plain_text(app: AppTest) -> str:
    return texts(app).replace("\\", "")


def test_models_are_listed_with_facts(own: Path, opened: Services, app: AppTest) -> None:
    damaged = other_network(own.parent, "half_copied")
    (damaged / "heads.npz").write_bytes(b"half")
    added = other_network(own.parent, "added") / "bundle.json"
    content = json.loads(added.read_text(encoding="utf-8"))
    content |= {"training": {"added_from": "org/vit"}, "licence": "apache-2.0"}
    added.write_text(json.dumps(content), encoding="utf-8")
    app.switch_page("model_card.py").run()
    text = plain_text(app)
    assert "From:** org/vit" in text
    assert "Licence:** apache-2.0" in text
    assert text.count("Accuracy (top 1):** not measured") == 1
    assert "Classes:** Zermatt, Trastevere" in text
    assert "Classes:** Buildings, Forest, Glacier, Mountain, Sea, Street" in text
    assert "My folders (2)" in text
    assert "Accuracy (top 1):** 87.5% of 40 photos" in text
    assert re.search(r"created \d{4}-\d\d-\d\d", text)
    assert text.count("In use") == 1
    assert "half_copied" in text
    assert "Damaged" in text
    assert "SHA-256" in text
    assert len([b for b in app.button if b.label == "Use this model"]) == 2


def test_using_another_model(
    own: Path, opened: Services, app: AppTest, temple: bytes, flower: bytes
) -> None:
    opened.jobs.submit([("temple.jpg", temple), ("dahlia.jpg", flower)]).wait(60)
    temple_id = next(
        p.id for p in opened.library.records(opened.library.find()) if "temple" in p.name
    )
    edits.set_class(opened.library, [temple_id], "holiday")
    app.switch_page("model_card.py").run()
    assert "Retag" not in str([b.label for b in app.button])
    click(app, "Use this model")
    text = plain_text(app)
    assert "New photos will be tagged by mine" in text
    assert "2 photos were tagged by another model" in text
    assert opened.classifier.bundle.class_head == "my_folders"
    click(app, "Retag 2 photos with this model")
    for job in opened.jobs.running():
        assert job.wait(60)
    app.run()
    assert "2 of 2 photos retagged" in plain_text(app)
    assert "tagged by another model" not in plain_text(app)
    counts = opened.library.count_by_class()
    assert counts == {"holiday": 1, "zermatt": 1}
    app.switch_page("gallery.py").run()
    app.session_state["class_filter"] = "zermatt"
    app.run()
    assert "1 of 2 photos" in texts(app)
    app.query_params["photo"] = next(i for i in opened.library.find() if i != temple_id)
    app.run()
    assert "Set by “My folders”, 100% confidence" in plain_text(app)
    offered = {option["text"] for option in field_data(app, "Class")["options"]}
    assert {"Zermatt", "Trastevere", "Flower"} <= offered


def test_switching_is_refused_while_photos_are_tagged(
    own: Path, opened: Services, app: AppTest, temple: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    predict, resume = Classifier.predict, threading.Event()

    def slow(self: Classifier, data: bytes) -> Prediction:
        resume.wait(30)
        return predict(self, data)

    monkeypatch.setattr(Classifier, "predict", slow)
    job = opened.jobs.submit([("temple.jpg", temple)])
    app.switch_page("model_card.py").run()
    click(app, "Use this model")
    assert "Photos are being tagged. Wait until that has ended" in plain_text(app)
    assert opened.classifier.bundle.class_head == "scenes"
    resume.set()
    assert job.wait(60)


def test_retagging_progress_and_cancel(
    own: Path, opened: Services, app: AppTest, made_photos: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened.jobs.submit(made_photos).wait(60)
    other_network(own.parent, "whole")
    opened.model_choice.use_bundle("whole")
    predict, started, resume = Classifier.predict, threading.Semaphore(0), threading.Event()

    def slow(self: Classifier, data: bytes) -> Prediction:
        started.release()
        resume.wait(30)
        return predict(self, data)

    monkeypatch.setattr(Classifier, "predict", slow)
    app.switch_page("model_card.py").run()
    click(app, "Retag 12 photos with this model")
    assert "Retagging photos" in texts(app)
    assert button(app, "Retag 12 photos with this model") is None
    # Retagging is not an upload: the Classify page shows no job.
    app.switch_page("classify.py").run()
    assert "Your library has 12 photos" in texts(app)
    app.switch_page("model_card.py").run()
    (job,) = opened.jobs.running()
    assert started.acquire(timeout=30)
    click(app, "Cancel")
    resume.set()
    assert job.wait(60)
    app.run()
    text = plain_text(app)
    assert "Cancelled" in text
    left = opened.library.count_tagged_by_other_bundles(opened.classifier.bundle_id)
    assert 0 < left < 12
    assert button(app, f"Retag {left} photos with this model") is not None


def test_model_set_by_environment_cannot_be_changed(
    own: Path, app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCENE_BUNDLE", str(own))
    app.run()
    app.switch_page("model_card.py").run()
    assert "The model is set by the environment variable SCENE_BUNDLE" in plain_text(app)
    (use,) = [b for b in app.button if b.label == "Use this model"]
    assert use.disabled
    assert get_services().classifier.bundle.class_head == "my_folders"


def test_missing_chosen_model_is_reported(own: Path, app: AppTest, opened: Services) -> None:
    opened.model_choice.use_bundle("mine")
    opened.close()
    get_own_services.clear()
    (own / "bundle.json").unlink()
    app.switch_page("model_card.py").run()
    text = plain_text(app)
    assert "The model chosen for this library cannot be used" in text
    assert "In use" in text
    assert "mine" in text


def test_new_version_published_after_start(own: Path, opened: Services, app: AppTest) -> None:
    opened.model_choice.use_bundle("mine")
    for file in own.iterdir():
        file.unlink()
    own.rmdir()
    own_head(own.parent, "mine", labels=("zermatt", "ostia", "bern"))
    app.switch_page("model_card.py").run()
    assert "a new version was published after the program started" in plain_text(app)
    app.button(key="use_mine").click().run()
    assert len(opened.classifier.head("my_folders").labels) == 3
    assert "a new version was published" not in plain_text(app)


def test_plots_have_alt_text_and_caption(models_dir: Path, app: AppTest) -> None:
    folder = models_dir / "scene_mobilenet_v2"
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


def test_photo_of_another_network_is_predicted_again(
    own: Path, opened: Services, app: AppTest, flower: bytes
) -> None:
    opened.jobs.submit([("dahlia.jpg", flower)]).wait(60)
    other_network(own.parent, "whole")
    opened.model_choice.use_bundle("whole")
    (photo_id,) = opened.library.find()
    app.switch_page("gallery.py")
    app.query_params["photo"] = photo_id
    app.run()
    assert "The scores below are from the model in use" in plain_text(app)
    assert any("My sea" in bars.proto.body for bars in app.get("html"))
    opened.library.original_path(photo_id).unlink()
    app.query_params["photo"] = photo_id
    app.run()
    assert "The scores cannot be shown" in plain_text(app)
    assert "Set by “camera”" in plain_text(app)
