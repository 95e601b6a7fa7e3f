"""Library routes: photos by query, one photo, its tags, albums, exports."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import Depends, FastAPI, Query, Request, Response

from scene_model.api import schemas
from scene_model.api.context import ApiContext
from scene_model.api.request.body import body_of, json_body
from scene_model.api.request.photo_ids import checked_photo_id
from scene_model.api.responses import problems
from scene_model.api.schemas import (
    Album,
    AlbumList,
    Export,
    ExportFormat,
    ExportRequest,
    Guess,
    Photo,
    PhotoPage,
    PhotoStack,
    PhotoTag,
    PhotoTags,
    TagsToAdd,
)
from scene_model.classifier.vocabulary import Vocabulary
from scene_model.export.table import stack_record
from scene_model.library.edits import clean_tag, remove_tag
from scene_model.library.groups import group_of
from scene_model.library.records import PhotoPlace, PhotoRecord
from scene_model.library.sort_order import BEST_MATCH, Sort
from scene_model.library.stacks.stack_rows import Stack, stacks_of

_MAX_PAGE = 500


def add_library_routes(api: FastAPI, context: ApiContext) -> None:
    """Add the routes to the API."""
    _add_photos(api, context)
    _add_tags(api, context)
    _add_albums(api, context)
    _add_exports(api, context)


def _add_photos(api: FastAPI, context: ApiContext) -> None:
    @api.get("/photos", responses=problems(400), tags=["library"])
    def photos(
        request: Request,
        q: Annotated[str, Query(max_length=1000, description="Query; empty for all photos.")] = "",
        sort: Annotated[
            str,
            Query(
                max_length=20,
                description="match: the best match for the words of the query first, without words "
                "the newest, or the order of your album. Or added, taken, name, score or size; "
                "- reverses.",
            ),
        ] = str(BEST_MATCH),
        limit: Annotated[int, Query(ge=1, le=_MAX_PAGE)] = 50,
        cursor: Annotated[
            str | None, Query(max_length=4000, description="`next_cursor` of the previous page.")
        ] = None,
    ) -> PhotoPage:
        """List the photos that match a query, in pages."""
        services = context.services()
        gallery = services.gallery(Sort.read(sort))
        page = gallery.page_after(cursor, limit, q)
        records, stacks = services.library.records(page.ids), stacks_of(services.library, page.ids)
        vocabulary, base = services.vocabulary, _base(request)
        return PhotoPage(
            photos=[_photo(record, vocabulary, base, stacks.get(record.id)) for record in records],
            total=gallery.count(q),
            next_cursor=page.next_cursor,
        )

    @api.get("/photos/{photo_id}", responses=problems(404), tags=["library"])
    def photo(request: Request, photo_id: str) -> Photo:
        """Return all stored data of one photo."""
        services = context.services()
        record = services.library.photo(checked_photo_id(photo_id))
        stack = stacks_of(services.library, [record.id]).get(record.id)
        return _photo(record, services.vocabulary, _base(request), stack)


def _add_tags(api: FastAPI, context: ApiContext) -> None:
    def current_tags(photo_id: str) -> PhotoTags:
        return PhotoTags(id=photo_id, tags=_tags(context.services().library.photo(photo_id)))

    @api.get("/photos/{photo_id}/tags", responses=problems(404), tags=["library"])
    def tags(photo_id: str) -> PhotoTags:
        """Return a photo's tags: predicted by each label set, and given by people."""
        return current_tags(checked_photo_id(photo_id))

    @api.post(
        "/photos/{photo_id}/tags",
        responses=problems(400, 404, 408, 413, 507),
        openapi_extra=body_of(TagsToAdd),
        tags=["library"],
    )
    def add_tags(
        photo_id: str, body: Annotated[TagsToAdd, Depends(json_body(TagsToAdd))]
    ) -> PhotoTags:
        """Add tags as a person's tags; the app can undo it."""
        services = context.services()
        known_id = services.library.photo(checked_photo_id(photo_id)).id
        for text in body.tags:
            clean_tag(text)  # validate all before adding the first
        for text in body.tags:
            services.gallery().add_tag([known_id], text)
        return current_tags(known_id)

    @api.delete("/photos/{photo_id}/tags", responses=problems(400, 404, 507), tags=["library"])
    def take_tag_off(
        photo_id: str, tag: Annotated[str, Query(max_length=200, examples=["beach"])]
    ) -> PhotoTags:
        """Remove a tag: a person's tag is deleted, a predicted tag is rejected permanently."""
        services = context.services()
        known_id = services.library.photo(checked_photo_id(photo_id)).id
        label = services.gallery().vocabulary.canonical(clean_tag(tag))
        remove_tag(services.library, [known_id], label)
        return current_tags(known_id)


def _add_albums(api: FastAPI, context: ApiContext) -> None:
    @api.get("/albums", tags=["library"])
    def albums() -> AlbumList:
        """List all albums; the query `album:"NAME"` finds the photos of one."""
        entries = context.services().gallery().albums()
        return AlbumList(
            albums=[
                Album(id=entry.id, name=entry.name, kind=entry.kind, count=entry.count)
                for entry in entries
            ]
        )


def _add_exports(api: FastAPI, context: ApiContext) -> None:
    @api.post(
        "/exports",
        status_code=201,
        responses=problems(400, 408, 413),
        openapi_extra=body_of(ExportRequest),
        tags=["library"],
    )
    def export(
        request: Request,
        response: Response,
        body: Annotated[ExportRequest, Depends(json_body(ExportRequest))],
    ) -> Export:
        """Validate a query and return the URL of its table or ZIP, generated on download."""
        services = context.services()
        gallery = services.gallery(Sort.read(body.sort))
        query = {"q": body.q, "sort": body.sort}
        if body.format is ExportFormat.ZIP:
            query["by"] = str(services.exports.folder_rule(body.by))
        url = f"{_base(request)}/library/export.{body.format}?{urlencode(query)}"
        response.headers["Location"] = url
        return Export(format=body.format, photos=gallery.count(body.q), download_url=url)


def _photo(record: PhotoRecord, vocabulary: Vocabulary, base: str, stack: Stack | None) -> Photo:
    url, guess = f"{base}/photos/{record.id}", record.shown_guess
    return Photo(
        id=record.id,
        name=record.name,
        class_=record.photo_class,
        class_source=record.class_source,
        group=group_of(record, vocabulary),
        guess=None if guess is None else Guess(label=guess.label, score=guess.score),
        label=record.class_head_label,
        confidence=record.confidence,
        unsure=record.unsure,
        tags=_tags(record),
        format=record.format,
        file_bytes=record.file_bytes,
        width=record.width,
        height=record.height,
        added_at=record.added_at,
        taken_at=record.taken_at,
        camera=record.camera,
        latitude=record.latitude,
        longitude=record.longitude,
        place=None if record.place is None else _place(record.place),
        bundle=record.bundle,
        favourite=record.favourite,
        rating=record.rating,
        description=record.description,
        trashed_at=record.trashed_at,
        thumbnail_url=f"{url}/thumbnail",
        preview_url=f"{url}/preview",
        full_url=f"{url}/full",
        original_url=f"{url}/original",
        duration=record.duration_s,
        frames_url=f"{url}/frames" if record.is_video else None,
        video_url=f"{url}/video" if record.is_video else None,
        stack=None if stack is None else PhotoStack(**stack_record(stack)),
        clutter=record.clutter,
        apart=record.is_apart,
        remote=record.remote_url is not None,
    )


def _place(place: PhotoPlace) -> schemas.PhotoPlace:
    return schemas.PhotoPlace(
        title=place.title,
        name=place.name,
        region=place.region,
        country=place.country,
        kind=place.kind,
        distance_km=place.distance_km,
        source=place.source,
    )


def _tags(record: PhotoRecord) -> list[PhotoTag]:
    return [PhotoTag(label=tag.label, head=tag.head, score=tag.score) for tag in record.tags]


def _base(request: Request) -> str:
    return str(request.scope.get("root_path", ""))
