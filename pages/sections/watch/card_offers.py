"""Offer to add the new photos of a memory card or camera that was connected."""

import streamlit as st

from pages.sections.messages import counted, error_markdown, escape_markdown, size_text
from pages.state.session import get_services
from scene_model.errors import SceneError
from scene_model.ingest.watch.card_offers import CardOffer
from scene_model.jobs.job import Job

_JOB_KEY, _ERROR_KEY = "card_job", "card_error"


def card_offers() -> Job | None:
    """Show an offer for each card with new photos; returns the job that a click has begun."""
    job: Job | None = st.session_state.pop(_JOB_KEY, None)
    if message := st.session_state.pop(_ERROR_KEY, None):
        st.error(message, icon=":material/error:")
    _offers()
    return job


@st.fragment(run_every="10s")
def _offers() -> None:
    """Show the offers; a card may come or go while the page is open."""
    if st.session_state.get(_JOB_KEY) or st.session_state.get(_ERROR_KEY):
        st.rerun()
    for offer in get_services().cards.offers():
        with st.container(border=True, key=f"card_{offer.card}"):
            photos = counted(len(offer.photos), "new photo")
            name, size = escape_markdown(offer.name), size_text(offer.file_bytes)
            st.markdown(f":material/sd_card: **{photos} on {name}** ({size})")
            with st.container(horizontal=True):
                st.button(
                    "Add",
                    key=f"card_add_{offer.card}",
                    type="primary",
                    icon=":material/library_add:",
                    help=f"Copy {photos} to the library. The card is not changed.",
                    on_click=_add,
                    args=(offer,),
                )
                st.button(
                    "Not now",
                    key=f"card_dismiss_{offer.card}",
                    on_click=get_services().cards.dismiss,
                    args=(offer.card,),
                )


def _add(offer: CardOffer) -> None:
    services = get_services()
    try:
        services.library.require_space(offer.file_bytes)
        job = services.jobs.submit_paths(offer.photos, by_reference=False)
    except SceneError as error:
        st.session_state[_ERROR_KEY] = error_markdown(error)
        return
    services.cards.dismiss(offer.card)
    st.session_state[_JOB_KEY] = job
