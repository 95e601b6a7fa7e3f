"""The Review, Duplicates, Teach and Insights pages."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from scene_model.classifier.personal_head import MIN_CORRECTIONS
from scene_model.duplicates.near_duplicates import NearDuplicateKind
from scene_model.learning.review_queue import SURE, ReviewItem
from scene_model.learning.review_queue import UNSURE as UNSURE_REASON
from scene_model.learning.taught_tags import list_taught
from scene_model.library import edits
from scene_model.library.database.schema import photos
from scene_model.library.embeddings.embedding_files import packed
from scene_model.library.predictions import predict_stored
from scene_model.services import Services
from tests.conftest import ASSETS
from tests.pages.conftest import labels, press, texts
from tests.pictures import burst_with_faults, encode, striped, textured

UNSURE = {"auto_class": "unsure", "auto_class_source": "none", "auto_class_score": 0.0}


@pytest.mark.parametrize("page", ["review", "duplicates", "teach", "insights"])
def test_empty_library_shows_the_next_step(app: AppTest, page: str) -> None:
    app.run()
    app.switch_page(f"{page}.py").run()
    assert app.info, texts(app)


@pytest.fixture
def filled(opened: Services, temple: bytes, flower: bytes) -> Services:
    small = encode(Image.open(io.BytesIO(temple)).resize((320, 214)), "PNG")
    made = [(f"made_{i}.jpg", encode(textured(160, 120, seed=i))) for i in range(8)]
    files = [("temple.jpg", temple), ("small.png", small), ("dahlia.jpg", flower), *made]
    opened.jobs.submit(files).wait(60)
    return opened


def test_review_accept_correct_skip_undo(filled: Services, app: AppTest) -> None:
    more = [(f"more_{i}.jpg", encode(textured(160, 120, seed=i))) for i in range(8, 48)]
    filled.jobs.submit(more).wait(60)
    app.switch_page("review.py").run()
    queue = list(app.session_state["review_queue"])
    assert len(queue) >= 3
    press(app, "Accept")
    first = filled.library.photo(queue[0].photo_id)
    assert first.class_source == "human"
    offered = app.button(key="review_choice_1").label
    app.button(key="review_choice_1").click().run()
    second = filled.library.photo(queue[1].photo_id)
    assert second.class_source == "human"
    assert filled.vocabulary.display_name(second.photo_class) == offered
    press(app, "Skip")
    assert filled.library.photo(queue[2].photo_id).class_source != "human"
    assert app.session_state["review_position"] == 3
    press(app, "Undo")
    assert filled.library.photo(queue[1].photo_id).class_source != "human"
    assert app.session_state["review_position"] == 1, "the photo is shown again"


def review_one(filled: Services, app: AppTest, name: str, **columns: Any) -> str:
    """Open Review on one photo whose prediction is set by hand; returns the page's texts."""
    (photo_id,) = filled.library.find(photos.c.name == name)
    with filled.library.database.writer.begin() as connection:
        connection.execute(photos.update().where(photos.c.id == photo_id).values(columns))
    others = [i for i in filled.library.find() if i != photo_id]
    edits.set_class(filled.library, others, "sea")
    app.switch_page("review.py").run()
    return texts(app)


def primary_buttons(app: AppTest) -> list[str]:
    return [button.label for button in app.button if button.proto.type == "primary"]


def test_review_offers_labels_of_all_heads(filled: Services, app: AppTest) -> None:
    text = review_one(filled, app, "temple.jpg", **UNSURE)
    assert "Reason: the model is unsure" in text
    assert "Photo 1 of 1" in str(app.get("progress")[0].proto)
    offered = {
        button.label for button in app.button if str(button.key).startswith("review_choice_")
    }
    heads = filled.classifier.heads
    names = {head: {label.name for label in heads[head].labels.labels} for head in heads}
    assert len(offered) == 4
    assert offered & (names["places"] | names["objects"]) - names["scenes"] - names["camera"]


@pytest.mark.parametrize(
    ("reasons", "text"),
    [
        ((UNSURE_REASON, SURE), "Photo 1 of 2; the model is sure of the last 1"),
        ((UNSURE_REASON, UNSURE_REASON), "Photo 1 of 2"),
        ((SURE, SURE), "Photo 1 of 2"),
    ],
)
def test_review_says_of_how_many_the_model_is_sure(
    filled: Services, app: AppTest, reasons: tuple[str, str], text: str
) -> None:
    ids = filled.library.find()
    items = [ReviewItem(i, reason) for i, reason in zip(ids, reasons, strict=False)]
    app.session_state["review_queue"], app.session_state["review_position"] = items, 0
    app.session_state["review_decided"] = []
    app.switch_page("review.py").run()
    assert app.get("progress")[0].proto.text == text


@pytest.mark.parametrize(
    ("columns", "is_primary"),
    [
        ({"auto_class": "flower", "auto_class_source": "camera"}, True),
        (UNSURE | {"guess": "airfield", "guess_score": 0.4}, False),
    ],
)
def test_review_stresses_only_what_a_head_is_sure_of(
    filled: Services, app: AppTest, columns: dict[str, Any], is_primary: bool
) -> None:
    shown = review_one(filled, app, "dahlia.jpg", **columns)
    assert ("Airfield?" if "guess" in columns else "Flower?") in shown
    assert primary_buttons(app) == (["Accept"] if is_primary else [])


def test_review_asks_what_it_is_when_nothing_is_likely(filled: Services, app: AppTest) -> None:
    (photo_id,) = filled.library.find(photos.c.name == "dahlia.jpg")
    with filled.library.database.reader.begin() as connection:
        row = connection.execute(photos.select().where(photos.c.id == photo_id)).one()
    nothing = np.zeros(filled.classifier.bundle.backbone.embedding_size)
    filled.library.embeddings.write(
        row.embedding_file, row.embedding_slot, packed(photo_id, nothing)
    )
    shown = review_one(filled, app, "dahlia.jpg", **UNSURE, guess="cat", guess_score=0.1)
    assert "What is this?" in shown
    assert "perhaps" not in shown
    assert "Accept" not in labels(app)
    app.button(key="review_choice_1").click().run()
    assert filled.library.photo(photo_id).class_source == "human"


def test_threshold_preview_save_undo(filled: Services, app: AppTest) -> None:
    def filed() -> int:
        return sum(
            photo.class_source == "scenes"
            for photo in filled.library.records(filled.library.find())
        )

    temple = Image.open(io.BytesIO((ASSETS / "china.jpg").read_bytes()))
    boxes = [(80 * x, 60 * y, 80 * x + 320, 60 * y + 240) for x in range(4) for y in range(3)]
    crops = [(f"crop_{i}.jpg", encode(temple.crop(box))) for i, box in enumerate(boxes)]
    filled.jobs.submit(crops).wait(60)
    app.switch_page("review.py").run()
    at_first = filed()
    app.session_state["review_tabs"] = "Threshold"
    app.run()
    (slider,) = app.slider
    slider.set_value(0.99).run()
    metrics = {metric.label: metric.value for metric in app.metric}
    assert filed() == at_first, "the preview changes nothing"
    press(app, "Save for all labels")
    assert (
        filed()
        == int(metrics["Photos with a class"])
        == at_first - int(metrics["Would lose the class"])
    )
    assert filed() < at_first
    assert f"0 photos got a class, {metrics['Would lose the class']} lost it" in texts(app)
    press(app, "Undo last change")
    assert filed() == at_first
    press(app, "Undo last change")
    press(app, "Restore model defaults")
    assert filed() == at_first


def test_duplicates_keep_best_and_undo(filled: Services, app: AppTest) -> None:
    app.switch_page("duplicates.py").run()
    assert "have not been compared" in texts(app)
    for kind in NearDuplicateKind:
        app.segmented_control(key="twin_kind").set_value(kind).run()
        assert "found" not in texts(app), "nothing was compared"
    app.segmented_control(key="twin_kind").set_value(NearDuplicateKind.NEAR).run()
    press(app, "Compare now")
    assert "1 group, 2 photos" in texts(app)
    press(app, "Keep best, move others to trash")
    assert filled.gallery().ids("name:small") == []
    assert len(filled.gallery().ids("name:temple")) == 1
    press(app, "Undo")
    assert len(filled.gallery().ids("name:small")) == 1
    press(app, "Dismiss group")
    assert "No duplicates found." in texts(app)
    press(app, "Restore group")
    press(app, "Keep best in 1 group")
    assert filled.gallery().ids("name:small") == []


def test_best_shots_are_proposed_chosen_moved_and_undone(
    opened: Services, app: AppTest, flower: bytes
) -> None:
    opened.jobs.submit(burst_with_faults(flower)).wait(60)
    app.switch_page("duplicates.py").run()
    app.segmented_control(key="twin_kind").set_value("best").run()
    assert "1 group, 3 shots. The best is clear in 1, and can’t be told in 0." in texts(app)
    assert "Burst. The best is sharper" in texts(app)
    (slider,) = app.slider
    slider.set_value(10).run()
    assert "Move 2 photos to the trash" in labels(app)
    keep: Any = app.get("button_group")[-1]
    assert len(keep.value) == 1
    keep.set_value([*keep.value, opened.gallery().ids("name:DSC_0002")[0]]).run()
    move = next(b for b in app.button if b.key == "best_shots_move")
    assert move.label == "Move 1 photo to the trash", "a person keeps one more"
    move.click().run()
    assert opened.gallery().ids("name:DSC_0003") == []
    assert len(opened.gallery().ids("name:DSC")) == 2
    press(app, "Undo")
    assert len(opened.gallery().ids("name:DSC")) == 3
    edits.set_favourite(opened.library, opened.gallery().ids("name:DSC"), True)
    app.run()
    assert next(b for b in app.button if b.key == "best_shots_move").label.startswith("Move 1 ")
    with opened.library.database.writer.begin() as connection:
        connection.execute(photos.update().values(sharpness=None))
    app.run()
    assert "Burst. Not compared yet." in texts(app)


def test_without_bursts_the_page_says_so(filled: Services, app: AppTest) -> None:
    with filled.library.database.writer.begin() as connection:
        connection.execute(photos.update().values(sharpness=None))
    app.switch_page("duplicates.py").run()
    app.segmented_control(key="twin_kind").set_value("best").run()
    assert "No bursts and no similar shots found." in texts(app)
    assert "11 photos were added by an earlier version and not measured." in texts(app)
    press(app, "Measure now")
    assert "not measured" not in texts(app)


def test_tag_is_taught_and_deleted(filled: Services, app: AppTest) -> None:
    gallery_ids = filled.gallery().ids("name:made")
    app.switch_page("teach.py").run()
    app.session_state["gallery"].select(gallery_ids[:4])
    app.run()
    app.text_input(key="teach_name").set_value("My pattern")
    press(app, "Train tag")
    assert "4 examples" in texts(app), "the error for too few examples"
    app.session_state["gallery"].select(gallery_ids[:6])
    app.run()
    app.text_input(key="teach_name").set_value("My pattern")
    press(app, "Train tag")
    assert "Held-out examples tagged" in texts(app)
    assert list_taught(filled.library, filled.classifier) == []
    press(app, "Save tag")
    (tag,) = list_taught(filled.library, filled.classifier)
    assert set(tag.examples) == set(gallery_ids[:6])
    assert set(gallery_ids[:6]) <= set(filled.gallery().ids('tag:"my pattern"'))
    press(app, "Delete tag")
    assert list_taught(filled.library, filled.classifier) == []


def test_insights_charts_and_downloads(filled: Services, app: AppTest) -> None:
    app.switch_page("insights.py").run()
    assert "11 photos" in texts(app)
    assert {"Groups", "Classes", "Tags", "Confidence"} <= {head.value for head in app.header}
    assert len(app.get("download_button")) == len(app.get("vega_lite_chart")) >= 3


def predicted_label(services: Services, photo_id: str) -> str:
    stored = predict_stored(services.library, services.classifier, photo_id)
    return stored.head_predictions.class_prediction.label


def test_corrections_train_use_restore(filled: Services, app: AppTest) -> None:
    files = [(f"stripes_{i:02d}.jpg", striped(i)) for i in range(MIN_CORRECTIONS + 4)]
    filled.jobs.submit(files).wait(60)
    ids = filled.gallery().ids("name:stripes")
    last, shipped = ids.pop(), filled.classifier.bundle_id
    label = next(i for i in ("sea", "street") if i != predicted_label(filled, last))
    edits.set_class(filled.library, ids[:-5], label)
    app.switch_page("teach.py").run()
    assert "2 more decisions needed" in texts(app)
    edits.set_class(filled.library, ids, label)
    app.run()
    press(app, "Train on corrections")
    assert "held-out accuracy" in texts(app)
    press(app, "Discard result")
    assert filled.classifier.bundle_id == shipped
    press(app, "Train on corrections")
    press(app, "Use and retag photos")
    assert "Your corrections are in use" in texts(app)
    assert all(job.wait(60) for job in filled.jobs.running())
    assert predicted_label(filled, last) == label
    app.run()
    assert "In use: the model trained on your corrections." in texts(app)
    press(app, "Restore original model")
    assert filled.classifier.bundle_id == shipped
    assert all(job.wait(60) for job in filled.jobs.running())
    assert predicted_label(filled, last) != label
    assert filled.library.photo(ids[0]).photo_class == label, "decisions stay"
