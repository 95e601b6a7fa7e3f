"""Charts of the library; each bar links to its photos. And a map."""

import streamlit as st

from pages.sections.charts import bar_chart
from pages.sections.messages import counted, show_error
from pages.state.page_cache import cache_key
from pages.state.session import get_gallery
from pages.widgets.map import MapView, photo_map
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
    st.caption(f"{counted(count, 'photo')}. Click a bar to see its photos.")
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
        st.caption("“Tags” counts all tags that a search finds; the gallery shows fewer.")
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
    _places()


def _places() -> None:
    places = get_gallery().places("")
    if places.box is None:
        st.caption("No photos with a location.")
        return
    with st.container(border=True):
        with st.container(
            horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
        ):
            st.header("Places", width="content")
            st.page_link("map.py", label="Open the map", icon=":material/map:", width="content")
        view = MapView(
            area=places.box,
            is_exact=False,
            move=0,
            everything=places.box,
            query="",
            stamp=str(cache_key()),
            height="26rem",
            is_embedded=True,
        )
        answer = photo_map(view, key="places_map")
        chosen = answer.opened.box if answer.opened else answer.chosen
        if chosen is not None:
            st.switch_page("search.py", query_params={"q": chosen.query})


try:
    _page()
except SceneError as error:
    show_error(error)
