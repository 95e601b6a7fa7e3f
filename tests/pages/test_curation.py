"""Review, duplicates, teaching and insights, as a visitor's clicks run them."""

import io

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from scene_model.classifier.personal_head import MIN_CORRECTIONS
from scene_model.learning.taught_tags import list_taught
from scene_model.library import edits
from scene_model.services import Services
from tests.conftest import ASSETS
from tests.pages.conftest import texts
from tests.pages.test_search import button
from tests.pictures import encode, striped, textured


@pytest.mark.parametrize("page", ["review", "duplicates", "teach", "insights"])
def test_an_empty_library_tells_the_next_step(app: AppTest, page: str) -> None:
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


def test_review_accepts_corrects_skips_and_goes_back(filled: Services, app: AppTest) -> None:
    more = [(f"more_{i}.jpg", encode(textured(160, 120, seed=i))) for i in range(8, 48)]
    filled.jobs.submit(more).wait(60)
    app.switch_page("review.py").run()
    queue = list(app.session_state["review_queue"])
    assert len(queue) >= 3
    button(app, "Accept")
    first = filled.library.photo(queue[0].photo_id)
    assert first.class_source == "human"
    app.button(key="review_choice_1").click().run()
    second = filled.library.photo(queue[1].photo_id)
    assert second.class_source == "human"
    assert second.photo_class in queue[1].choices
    button(app, "Skip")
    assert filled.library.photo(queue[2].photo_id).class_source != "human"
    assert app.session_state["review_seen"] == 3
    button(app, "Undo")
    assert filled.library.photo(queue[1].photo_id).class_source != "human"
    assert app.session_state["review_seen"] == 1, "the photo is shown again"


def test_a_threshold_is_tried_saved_and_taken_back(filled: Services, app: AppTest) -> None:
    def filed() -> int:
        return sum(
            one.class_source == "scenes" for one in filled.library.records(filled.library.find())
        )

    temple = Image.open(io.BytesIO((ASSETS / "china.jpg").read_bytes()))
    boxes = [(80 * x, 60 * y, 80 * x + 320, 60 * y + 240) for x in range(4) for y in range(3)]
    pieces = [(f"piece_{i}.jpg", encode(temple.crop(box))) for i, box in enumerate(boxes)]
    filled.jobs.submit(pieces).wait(60)
    app.switch_page("review.py").run()
    at_first = filed()
    app.session_state["review_tabs"] = "Threshold"
    app.run()
    (slider,) = app.slider
    slider.set_value(0.99).run()
    told = {metric.label: metric.value for metric in app.metric}
    assert filed() == at_first, "looking changes nothing"
    button(app, "Save for all labels")
    assert filed() == int(told["Photos it files"]) == at_first - int(told["Would leave"])
    assert filed() < at_first
    assert "went out" in texts(app)
    button(app, "Undo the last change")
    assert filed() == at_first
    button(app, "Undo the last change")
    button(app, "Back to the model's own")
    assert filed() == at_first


def test_duplicates_keep_the_best_and_undo(filled: Services, app: AppTest) -> None:
    app.switch_page("duplicates.py").run()
    assert "not compared" in texts(app)
    button(app, "Compare now")
    assert "1 groups, 2 photos" in texts(app)
    button(app, "Keep the best, others to the trash")
    assert filled.gallery().ids("name:small") == []
    assert len(filled.gallery().ids("name:temple")) == 1
    button(app, "Undo")
    assert len(filled.gallery().ids("name:small")) == 1
    button(app, "Not duplicates")
    assert "Nothing found here." in texts(app)
    button(app, "Bring back")
    button(app, "Keep the best of all 1 groups")
    assert filled.gallery().ids("name:small") == []


def test_a_tag_is_taught_and_forgotten(filled: Services, app: AppTest) -> None:
    gallery_ids = filled.gallery().ids("name:made")
    app.switch_page("teach.py").run()
    app.session_state["gallery"].select(gallery_ids[:4])
    app.run()
    app.text_input(key="teach_name").set_value("My pattern")
    button(app, "Learn")
    assert "4 examples" in texts(app), "too few is told"
    app.session_state["gallery"].select(gallery_ids[:6])
    app.run()
    app.text_input(key="teach_name").set_value("My pattern")
    button(app, "Learn")
    assert "Left-out examples found" in texts(app)
    assert list_taught(filled.library, filled.classifier) == []
    button(app, "Save the tag")
    (tag,) = list_taught(filled.library, filled.classifier)
    assert set(tag.examples) == set(gallery_ids[:6])
    assert set(gallery_ids[:6]) <= set(filled.gallery().ids('tag:"my pattern"'))
    button(app, "Forget")
    assert list_taught(filled.library, filled.classifier) == []


def test_insights_show_every_chart_with_its_numbers(filled: Services, app: AppTest) -> None:
    app.switch_page("insights.py").run()
    said = texts(app)
    assert "11 photos" in said
    assert {"Classes", "Tags", "How sure"} <= {head.value for head in app.subheader}
    assert len(app.get("download_button")) == len(app.get("vega_lite_chart")) >= 3


def said(services: Services, photo_id: str) -> str:
    return services.predict_stored(photo_id).class_prediction.label


def test_corrections_are_learned_and_let_go(filled: Services, app: AppTest) -> None:
    files = [(f"stripes_{i:02d}.jpg", striped(i)) for i in range(MIN_CORRECTIONS + 4)]
    filled.jobs.submit(files).wait(60)
    ids = filled.gallery().ids("name:stripes")
    last, shipped = ids.pop(), filled.classifier.bundle_id
    label = next(i for i in ("sea", "street") if i != said(filled, last))
    edits.set_class(filled.library, ids[:-5], label)
    app.switch_page("teach.py").run()
    assert "2 more decisions to go" in texts(app)
    edits.set_class(filled.library, ids, label)
    app.run()
    button(app, "Try what they teach")
    assert "held-out decisions right" in texts(app)
    button(app, "Leave it")
    assert filled.classifier.bundle_id == shipped
    button(app, "Try what they teach")
    button(app, "Use it and tag again")
    assert "Your corrections are in use" in texts(app)
    assert all(job.wait(60) for job in filled.jobs.running())
    assert said(filled, last) == label
    app.run()
    assert "In use: what you corrected was learned." in texts(app)
    button(app, "Back to the shipped model")
    assert filled.classifier.bundle_id == shipped
    assert all(job.wait(60) for job in filled.jobs.running())
    assert said(filled, last) != label
    assert filled.library.photo(ids[0]).photo_class == label, "decisions stay"
