"""Charts of the library; each bar and dot links to its photos."""

import streamlit as st

from pages.sections.charts import bar_chart, world_map
from pages.sections.messages import counted, show_error
from pages.state.session import get_gallery
from scene_model.errors import SceneError
from scene_model.statistics import insights


def _page() -> None:
    st.title("Insights")
    gallery = get_gallery()
    library, names = gallery.library, gallery.vocabulary
    count = library.count()
    if not count:
        st.info("No photos yet. Add some on the Classify page.", icon=":material/insights:")
        st.page_link("classify.py", label="Add photos", icon=":material/add_photo_alternate:")
        return
    st.caption(f"{counted(count, 'photo')}. Click a bar or a dot to see its photos.")
    left, right = st.columns(2)
    with left:
        groups = insights.by_group(library, names)
        if groups:
            bar_chart("Groups", groups, "groups", [names.display_name(bar.label) for bar in groups])
        classes = insights.by_class(library)
        class_names = [names.display_name(bar.label) for bar in classes]
        bar_chart("Classes", classes, "classes", class_names)
        scores = insights.by_score(library)
        bar_chart(
            "Confidence", scores, "confidence", [bar.label for bar in scores], is_horizontal=False
        )
    with right:
        tags = insights.by_tag(library, most=20)
        bar_chart("Tags", tags, "tags", [names.display_name(bar.label) for bar in tags])
        cameras = insights.by_camera(library)
        if cameras:
            bar_chart("Cameras", cameras, "cameras", [bar.label for bar in cameras])
    months = insights.by_month(library)
    if months:
        bar_chart(
            "Photos per month", months, "months", [bar.label for bar in months], is_horizontal=False
        )
    else:
        st.caption("No photos with a date.")
    places = insights.by_place(library)
    if places:
        world_map("Places", places, "places")
    else:
        st.caption("No photos with a location.")


try:
    _page()
except SceneError as error:
    show_error(error)
