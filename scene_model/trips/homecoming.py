"""What came in since a person last settled it: counts, proposals, and accepting all of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Integer, and_, bindparam, exists, func, select

from scene_model.classifier.labels import UNSURE_CLASS
from scene_model.library.clutter.clutter_edits import record_apart
from scene_model.library.database.schema import photos, stack_photos, trip_photos
from scene_model.library.edits import EditResult, begin_edit, finish_edit
from scene_model.library.new_photos import ACCEPTED_BY, is_new, newest_number, write_choice
from scene_model.library.store import Library
from scene_model.library.trips.trip_rows import SHOWN_STATES, TripState, read_trips
from scene_model.trips.trip_details import TripSummary, list_trips
from scene_model.trips.trip_edits import record_accepted


@dataclass(frozen=True)
class Homecoming:
    """New photos, and what is proposed about them. Photos in the trash do not count.

    last: the highest number of a photo, also of one in the trash: what came in later is not meant.
    trips: those with new photos, the newest first. stack_count: stacks with new photos.
    clutter_count: photos that may be clutter, and about which no person decided. apart_count: those
    that a person set apart. unsure_count: those whose class is unsure, clutter and photos set apart
    left out.
    """

    last: int = 0
    photo_count: int = 0
    trips: tuple[TripSummary, ...] = ()
    stack_count: int = 0
    clutter_count: int = 0
    apart_count: int = 0
    unsure_count: int = 0

    @property
    def proposed_trips(self) -> list[TripSummary]:
        """The trips that nobody decided about."""
        return [summary for summary in self.trips if summary.trip.state is TripState.PROPOSED]

    @property
    def has_proposals(self) -> bool:
        """Whether there is something to accept."""
        return bool(self.proposed_trips or self.clutter_count)

    @property
    def has_parts(self) -> bool:
        """Whether there is something to say beside the number of photos."""
        parts = (self.trips, self.stack_count, self.clutter_count, self.apart_count)
        return any((*parts, self.unsure_count))


def homecoming(library: Library) -> Homecoming:
    """Count what came in since a person last settled it."""
    with library.database.reader.begin() as connection:
        last = newest_number(connection)
        row = connection.execute(_COUNTS).one()
        if not row.photos:
            return Homecoming(last)
        trip_ids = set(connection.execute(_TRIPS).scalars())
        stack_count = int(connection.execute(_STACKS).scalar_one())
    trips = [
        summary
        for summary in (list_trips(library) if trip_ids else ())
        if summary.trip.id in trip_ids and summary.trip.state in SHOWN_STATES
    ]
    return Homecoming(
        *(last, row.photos, tuple(trips), stack_count),
        *(row.clutter, row.apart, row.unsure),
    )


def photos_of_trip(library: Library, trip_id: int, most: int) -> list[str]:
    """Return photos of a trip from its beginning to its end: tiles that are no clutter."""
    with library.database.reader.begin() as connection:
        ids = list(connection.execute(_TILES_OF_TRIP, {"trip": trip_id}).scalars())
    return [ids[i * len(ids) // most] for i in range(most)] if len(ids) > most else ids


def accept_all(library: Library, trip_ids: Sequence[int], last: int) -> EditResult:
    """Accept proposed trips, and set apart what may be clutter among new photos, as one edit.

    last: the highest number of a photo that is meant, see `Homecoming`.
    """
    meant = (is_new(), photos.c.number <= last, _IS_SHOWN, _MAY_BE_CLUTTER)
    with library.database.writer.begin() as connection:
        live = {trip.id: trip.state for trip in read_trips(connection)}
        proposed = [n for n in trip_ids if live.get(n) is TripState.PROPOSED]
        count = select(func.count()).select_from(photos).where(*meant)
        apart_count = int(connection.execute(count).scalar_one())
        description = _description(len(proposed), apart_count)
        edit_id = begin_edit(connection, description)
        record_accepted(connection, edit_id, proposed)
        record_apart(connection, edit_id, and_(*meant))
        done = finish_edit(connection, edit_id, description)
        if done.edit_id is not None:
            write_choice(connection, ACCEPTED_BY, str(done.edit_id))
    return done


def to_review() -> ColumnElement[bool]:
    """SQL condition: the photo is new, is no clutter, and its class is unsure."""
    return and_(is_new(), _IS_UNSURE)


def _description(trip_count: int, apart_count: int) -> str:
    trips = "1 trip" if trip_count == 1 else f"{trip_count:,} trips"
    clutter = "1 photo" if apart_count == 1 else f"{apart_count:,} photos"
    parts = [f"{trips} accepted"] if trip_count else []
    parts += [f"{clutter} set apart"] if apart_count else []
    return ", ".join(parts) or "Nothing to accept"


_IS_SHOWN = photos.c.trashed_at.is_(None)
_MAY_BE_CLUTTER = and_(photos.c.clutter.is_not(None), photos.c.human_clutter.is_(None))
_IS_APART = and_(photos.c.clutter.is_not(None), photos.c.human_clutter.is_not(None))
_IS_UNSURE = and_(photos.c.clutter.is_(None), photos.c.photo_class == UNSURE_CLASS)
# By their numbers: an index of an order would be read whole.
_COUNTS = (
    select(
        func.count().label("photos"),
        func.count().filter(_MAY_BE_CLUTTER).label("clutter"),
        func.count().filter(_IS_APART).label("apart"),
        func.count().filter(_IS_UNSURE).label("unsure"),
    )
    .select_from(photos)
    .with_hint(photos, "NOT INDEXED", "sqlite")
    .where(is_new(), _IS_SHOWN)
)
_NEW_PHOTOS = select(photos.c.number).where(is_new(), _IS_SHOWN)
_NEW_PHOTOS = _NEW_PHOTOS.with_hint(photos, "NOT INDEXED", "sqlite")
_TRIPS = (
    select(trip_photos.c.trip_id)
    .where(trip_photos.c.photo.in_(_NEW_PHOTOS), trip_photos.c.trip_id.is_not(None))
    .distinct()
)
_OTHER, _OTHER_PHOTO = stack_photos.alias(), photos.alias()
_HAS_OTHER = (
    exists()
    .where(_OTHER.c.stack_id == stack_photos.c.stack_id, _OTHER.c.photo != stack_photos.c.photo)
    .where(_OTHER_PHOTO.c.number == _OTHER.c.photo, _OTHER_PHOTO.c.trashed_at.is_(None))
)
_STACKS = select(func.count(stack_photos.c.stack_id.distinct())).where(
    stack_photos.c.photo.in_(_NEW_PHOTOS), _HAS_OTHER
)
_TILES_OF_TRIP = (
    select(photos.c.id)
    .join(trip_photos, trip_photos.c.photo == photos.c.number)
    .outerjoin(stack_photos, stack_photos.c.photo == photos.c.number)
    .with_hint(photos, "NOT INDEXED", "sqlite")
    .where(trip_photos.c.trip_id == bindparam("trip", type_=Integer), _IS_SHOWN)
    .where(photos.c.clutter.is_(None))
    .where(func.coalesce(stack_photos.c.tile, photos.c.number) == photos.c.number)
    .order_by(trip_photos.c.day, photos.c.taken_at, photos.c.number)
)
