"""Requests and responses of the API as pydantic models, the source of the OpenAPI document."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from scene_model.jobs.job import JobState
from scene_model.search.albums import AlbumKind


class Schema(BaseModel):
    """Base: fields are serialized by alias, since JSON names may be Python keywords."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)


class Problem(Schema):
    """An error (RFC 9457)."""

    type: str = Field(examples=["urn:scene-gallery:not_a_picture"])
    title: str = Field(examples=["Unsupported Media Type"])
    status: int = Field(examples=[415])
    detail: str = Field(examples=["This is not a picture (PDF)."])


class ItemError(Schema):
    """Why one item of several failed."""

    code: str = Field(examples=["truncated_photo"])
    message: str = Field(examples=["The JPEG picture is cut short."])


class Prediction(Schema):
    """The prediction for one photo.

    `label` and `confidence` are always the most probable label; `unsure` marks an unreliable
    prediction; `class` is the class the photo would get in the library.
    """

    filename: str = Field(examples=["beach.jpg"])
    label: str = Field(examples=["sea"])
    confidence: float = Field(ge=0, le=1, examples=[0.97])
    unsure: bool
    probabilities: dict[str, float] = Field(examples=[{"sea": 0.97, "street": 0.03}])
    class_: str = Field(validation_alias="class", serialization_alias="class", examples=["sea"])
    group: str | None = Field(
        examples=["water"],
        description="The group by all label sets together; `unsure` where none is believed, null "
        "for a model without groups.",
    )
    bundle: str = Field(examples=["scene_mobilenet_v2-1"], description="The model that predicted.")


class BatchItem(Schema):
    """One file of a batch: its prediction, or an error instead."""

    filename: str = Field(examples=["beach.jpg"])
    label: str | None = Field(default=None, examples=["sea"])
    confidence: float | None = Field(default=None, ge=0, le=1, examples=[0.97])
    unsure: bool | None = None
    class_: str | None = Field(
        default=None, validation_alias="class", serialization_alias="class", examples=["sea"]
    )
    error: ItemError | None = None


class Summary(Schema):
    """The number of files, and of photos of each class."""

    total: int = Field(ge=0, examples=[3])
    by_class: dict[str, int] = Field(examples=[{"sea": 2, "cat": 1}])


class BatchAnswer(Schema):
    """A completed batch: its files in the order they were sent."""

    job_id: str = Field(examples=["5f0c3b6f2b5e4d0c9a7e1d2c3b4a5968"])
    summary: Summary
    results: list[BatchItem]
    download_url: str = Field(examples=["/api/download/5f0c3b6f2b5e4d0c9a7e1d2c3b4a5968"])


class JobStatus(Schema):
    """A batch's progress; `results` and `download_url` are set when it has ended."""

    job_id: str
    state: JobState
    total: int = Field(ge=0, description="Files in the batch.")
    done: int = Field(ge=0, description="Processed files, including failed ones.")
    failed: int = Field(ge=0)
    summary: Summary
    results: list[BatchItem] | None = None
    download_url: str | None = None
    expires_at: str | None = Field(
        default=None,
        description="When the job and its ZIP are deleted, ISO 8601; set when it has ended.",
    )


class JobStarted(Schema):
    """An accepted batch; `status_url` returns its progress."""

    job_id: str
    status_url: str = Field(examples=["/api/jobs/5f0c3b6f2b5e4d0c9a7e1d2c3b4a5968"])


class ClassifyRequest(Schema):
    """Images as base64, each with or without a `data:` prefix: JPEG, PNG, WebP or HEIC."""

    images: list[str] = Field(min_length=1, examples=[["/9j/4AAQSkZJRgABAQAAAQABAAD..."]])


class ClassifyAnswer(Schema):
    """The tags of each image, in order."""

    tags: list[list[str]] = Field(examples=[[["Nature", "Coast"], ["Unknown"]]])


class PartialClassifyAnswer(Schema):
    """With `?partial=true`: for each image, in order, its tags, or null and an error."""

    tags: list[list[str] | None] = Field(examples=[[["Nature", "Coast"], None]])
    errors: list[ItemError | None]


class PhotoTag(Schema):
    """One tag of a photo. `head`: the label set that predicted it, or `human`."""

    label: str = Field(examples=["beach"])
    head: str = Field(examples=["camera"])
    score: float | None = Field(description="Probability; null for a person's tag.")


class Guess(Schema):
    """The most probable label of all label sets."""

    label: str = Field(examples=["lighthouse"])
    score: float = Field(description="Probability.")


class PhotoPlace(Schema):
    """Where a photo was taken, by the gazetteer of this program."""

    title: str = Field(examples=["near Sintra, Portugal"])
    name: str = Field(examples=["Sintra"])
    region: str | None = Field(examples=["Lisbon"])
    country: str | None = Field(description="ISO 3166-1 alpha-2; null at sea.", examples=["PT"])
    kind: str = Field(description="`settlement`, `sea` or `air`.", examples=["settlement"])
    distance_km: float = Field(ge=0, description="From the centre of a settlement.")
    source: str = Field(
        description="`gps`; or `neighbours`: taken between photos of this place, without a "
        "position of its own.",
        examples=["gps"],
    )


class PhotoStack(Schema):
    """The stack of a photo: photos that show as one, at least two outside the trash."""

    kind: str = Field(
        examples=["live"], description="raw_jpeg, live, edit, burst, bracket or panorama."
    )
    top: str = Field(description="Id of the photo that shows.")
    photo_ids: list[str] = Field(description="Of all its photos outside the trash; top first.")


class Photo(Schema):
    """One photo of the library. `class_source`: `human`, a label set, or `none`."""

    id: str = Field(description="SHA-256 of the original's bytes.", examples=["9f86d081" * 8])
    name: str = Field(examples=["beach.jpg"])
    class_: str = Field(validation_alias="class", serialization_alias="class", examples=["sea"])
    class_source: str = Field(examples=["scenes"])
    group: str = Field(
        examples=["water"],
        description="That of the class if a person chose it, else that of all label sets together; "
        "or `unsure`.",
    )
    guess: Guess | None = Field(description="Of a photo whose class is `unsure`; else null.")
    label: str = Field(examples=["sea"])
    confidence: float
    unsure: bool
    tags: list[PhotoTag]
    format: str = Field(examples=["JPEG"])
    file_bytes: int
    width: int
    height: int
    added_at: str
    taken_at: str | None
    camera: str | None
    latitude: float | None
    longitude: float | None
    place: PhotoPlace | None = Field(description="Where it was taken; null if unknown.")
    bundle: str
    favourite: bool
    rating: int = Field(ge=0, le=5, description="0 for none.", examples=[4])
    description: str | None = Field(description="Written by a person in another program.")
    trashed_at: str | None
    thumbnail_url: str
    preview_url: str
    full_url: str = Field(description="The whole photo as JPEG, also of RAW, HEIC and TIFF.")
    original_url: str
    duration: float | None = Field(description="Of a video, in seconds; null if unknown.")
    frames_url: str | None = Field(description="Four frames of a video side by side; else null.")
    video_url: str | None = Field(description="A video's bytes for a player; else null.")
    stack: PhotoStack | None = Field(description="Null for a photo that is in none.")
    clutter: str | None = Field(
        description="The kind of clutter that it is or may be; else null.", examples=["screenshot"]
    )
    apart: bool = Field(description="Whether a person set it apart from the timeline.")
    remote: bool = Field(
        description="Whether the original is at a URL: asking for `preview_url`, `full_url`, "
        "`original_url` or `video_url` fetches it."
    )


class PhotoPage(Schema):
    """One page of a query's photos; `next_cursor` gets the next page, null on the last."""

    photos: list[Photo]
    total: int = Field(ge=0, description="Number of photos that match the query.")
    next_cursor: str | None = None


class Album(Schema):
    """One album. `kind`: `own` (chosen photos), `search` (follows a search) or `rules`."""

    id: str = Field(description="Unique together with the kind.", examples=["travel"])
    name: str = Field(examples=["Travel"])
    kind: AlbumKind
    count: int = Field(ge=0, description="Number of its photos.")


class AlbumList(Schema):
    """All albums: those that people made, by name, then those of the rules."""

    albums: list[Album]


class TripDay(Schema):
    """One day of a trip. `date` is null for photos without a date."""

    date: str | None = Field(examples=["2024-07-14"])
    photos: int = Field(ge=0, examples=[64])
    place: str | None = Field(description="Where most photos are from.", examples=["Sintra"])


class Trip(Schema):
    """A trip with its days; `from` and `to` are when its first and last photo were taken."""

    id: int
    title: str = Field(examples=["Lisbon and Sintra, July 2024"])
    from_: str | None = Field(
        validation_alias="from", serialization_alias="from", examples=["2024-07-12T09:31:00"]
    )
    to: str | None = Field(examples=["2024-07-16T18:02:11"])
    photos: int = Field(ge=0, examples=[312])
    country: str | None = Field(description="ISO 3166-1 alpha-2, of most photos.", examples=["PT"])
    places: list[str] = Field(examples=[["Lisbon", "Sintra"]])
    days: list[TripDay]
    photo_ids: list[str] = Field(description="In order of time.")


class TripList(Schema):
    """The trips that nobody hid, the oldest first."""

    trips: list[Trip]


class TagsToAdd(Schema):
    """Tags as a person types them; a label's display name becomes the label."""

    tags: list[str] = Field(min_length=1, max_length=100, examples=[["beach", "with Anna"]])


class PhotoTags(Schema):
    """A photo's tags after an edit, which the app can undo."""

    id: str
    tags: list[PhotoTag]


class ExportFormat(StrEnum):
    """The formats of an export."""

    CSV = "csv"
    JSON = "json"
    JSON_LINES = "jsonl"
    ZIP = "zip"


class ExportRequest(Schema):
    """The photos to export, their order and the format."""

    q: str = Field(default="", max_length=1000, description="Query; empty for all photos.")
    sort: str = Field(default="-added", max_length=20, examples=["-taken"])
    format: ExportFormat = ExportFormat.CSV
    by: str = Field(
        default="class",
        max_length=100,
        description="Folders of a ZIP: class, group, tag, trip, or head:ID for labels of a head.",
    )


class Export(Schema):
    """An export to download; it is generated while it is sent."""

    format: ExportFormat
    photos: int = Field(ge=0, description="Current number of photos that match the query.")
    download_url: str = Field(examples=["/api/library/export.csv?q=beach&sort=-taken"])


class MapCluster(Schema):
    """Photos close to each other on the map."""

    photos: int = Field(ge=1, examples=[12])
    latitude: float = Field(ge=-90, le=90, examples=[38.72], description="Where most are.")
    longitude: float = Field(ge=-180, le=180, examples=[-9.14], description="Where most are.")
    within: list[float] = Field(
        min_length=4,
        max_length=4,
        examples=[[38.7, -9.2, 38.8, -9.1]],
        description="South, west, north and east of the smallest area that holds them; west is "
        "greater than east across the date line.",
    )
    photo_id: str = Field(description="The photo added last.")


class MapClusters(Schema):
    """The photos of an area in clusters, the largest first."""

    clusters: list[MapCluster]
