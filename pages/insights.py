"""The collection in numbers; every bar and every dot leads to its photos."""

import streamlit as st

from pages.sections.charts import bar_chart, world_map
from pages.sections.problem import show_problem
from pages.state.session import get_gallery
from scene_model.errors import SceneError
from scene_model.statistics import insights


def _page() -> None:
    st.title("Insights")
    gallery = get_gallery()
    library, names = gallery.library, gallery.vocabulary
    count = library.count()
    if not count:
        st.info("No photos yet. Drop some on the first page.", icon=":material/insights:")
        st.page_link("classify.py", label="Add photos", icon=":material/add_photo_alternate:")
        return
    st.caption(f"{count:,} photos. Click a bar or a dot to see the photos behind it.")
    left, right = st.columns(2)
    with left:
        classes = insights.by_class(library)
        said = [names.display_name(one.label) for one in classes]
        bar_chart("Classes", classes, "classes", said)
        scores = insights.by_score(library)
        bar_chart("How sure", scores, "confidence", [one.label for one in scores], lying=False)
    with right:
        tags = insights.by_tag(library, most=20)
        bar_chart("Tags", tags, "tags", [names.display_name(one.label) for one in tags])
        cameras = insights.by_camera(library)
        if cameras:
            bar_chart("Cameras", cameras, "cameras", [one.label for one in cameras])
    months = insights.by_month(library)
    if months:
        bar_chart("Taken in", months, "months", [one.label for one in months], lying=False)
    else:
        st.caption("No photo says when it was taken.")
    places = insights.by_place(library)
    if places:
        world_map("Places", places, "places")
    else:
        st.caption("No photo says where it was taken.")


try:
    _page()
except SceneError as error:
    show_problem(error)
