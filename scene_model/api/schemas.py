"""What the API says and takes, as pydantic models: the OpenAPI document is made of them."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field


class Schema(BaseModel):
    """Base: fields go by their names on the wire, which may be Python keywords."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)


class Problem(Schema):
    """An error (RFC 9457)."""

    type: str = Field(examples=["urn:scene-gallery:not_a_picture"])
    title: str = Field(examples=["Unsupported Media Type"])
    status: int = Field(examples=[415])
    detail: str = Field(examples=["This is not a picture (PDF)."])


class ItemError(Schema):
    """Why one item of many has no answer."""

    code: str = Field(examples=["truncated_photo"])
    message: str = Field(examples=["The JPEG picture is cut short."])


class Prediction(Schema):
    """What the model says of one photo.

    `label` and `confidence` are always the most probable label; `unsure` says whether to believe
    it; `class` is what the photo would be filed under.
    """

    filename: str = Field(examples=["beach.jpg"])
    label: str = Field(examples=["sea"])
    confidence: float = Field(ge=0, le=1, examples=[0.97])
    unsure: bool
    probabilities: dict[str, float] = Field(examples=[{"sea": 0.97, "street": 0.03}])
    class_: str = Field(validation_alias="class", serialization_alias="class", examples=["sea"])
    bundle: str = Field(examples=["scene_mobilenet_v2-1"], description="Which model answered.")


class BatchItem(Schema):
    """One file of a batch: an answer, or the error in its place."""

    filename: str = Field(examples=["beach.jpg"])
    label: str | None = Field(default=None, examples=["sea"])
    confidence: float | None = Field(default=None, ge=0, le=1, examples=[0.97])
    unsure: bool | None = None
    class_: str | None = Field(
        default=None, validation_alias="class", serialization_alias="class", examples=["sea"]
    )
    error: ItemError | None = None


class Summary(Schema):
    """How many files, and how many photos of each class."""

    total: int = Field(ge=0, examples=[3])
    by_class: dict[str, int] = Field(examples=[{"sea": 2, "cat": 1}])


class BatchAnswer(Schema):
    """A batch that is done: its files in the order they were sent."""

    job_id: str = Field(examples=["5f0c3b6f2b5e4d0c9a7e1d2c3b4a5968"])
    summary: Summary
    results: list[BatchItem]
    download_url: str = Field(examples=["/api/download/5f0c3b6f2b5e4d0c9a7e1d2c3b4a5968"])


class BatchState(StrEnum):
    """Where a batch stands."""

    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"


class JobStatus(Schema):
    """A batch's progress; `results` and `download_url` come when it is over."""

    job_id: str
    state: BatchState
    total: int = Field(ge=0, description="Files in the batch.")
    done: int = Field(ge=0, description="Files dealt with, failed ones too.")
    failed: int = Field(ge=0)
    summary: Summary
    results: list[BatchItem] | None = None
    download_url: str | None = None
    expires_at: str | None = Field(
        default=None, description="When the job and its ZIP go, ISO 8601; set when it is over."
    )


class JobStarted(Schema):
    """A batch that was taken on; ask `status_url` for its progress."""

    job_id: str
    status_url: str = Field(examples=["/api/jobs/5f0c3b6f2b5e4d0c9a7e1d2c3b4a5968"])


class ClassifyRequest(Schema):
    """Images as base64, each with or without a `data:` prefix: JPEG, PNG, WebP or HEIC."""

    images: list[str] = Field(min_length=1, examples=[["/9j/4AAQSkZJRgABAQAAAQABAAD..."]])


class ClassifyAnswer(Schema):
    """Tags of each image, in order."""

    tags: list[list[str]] = Field(examples=[[["Nature", "Coast"], ["Unknown"]]])


class PartialClassifyAnswer(Schema):
    """With `?partial=true`: of each image, in order, its tags, or null and the error."""

    tags: list[list[str] | None] = Field(examples=[[["Nature", "Coast"], None]])
    errors: list[ItemError | None]


class TagSeen(Schema):
    """One tag of a photo. `head`: the label set that said so, or `human`."""

    label: str = Field(examples=["beach"])
    head: str = Field(examples=["camera"])
    score: float | None = Field(description="Probability; null where a person said so.")


class Photo(Schema):
    """One photo of the library. `class_source`: `human`, a label set, or `none`."""

    id: str = Field(description="SHA-256 of the original's bytes.", examples=["9f86d081" * 8])
    name: str = Field(examples=["beach.jpg"])
    class_: str = Field(validation_alias="class", serialization_alias="class", examples=["sea"])
    class_source: str = Field(examples=["scenes"])
    label: str = Field(examples=["sea"])
    confidence: float
    unsure: bool
    tags: list[TagSeen]
    format: str = Field(examples=["JPEG"])
    file_bytes: int
    width: int
    height: int
    added_at: str
    taken_at: str | None
    camera: str | None
    latitude: float | None
    longitude: float | None
    bundle: str
    trashed_at: str | None
    thumbnail_url: str
    preview_url: str
    original_url: str


class PhotoPage(Schema):
    """Some photos of a query, in order; `next_cursor` leads on, and is null at the end."""

    photos: list[Photo]
    total: int = Field(ge=0, description="Photos of the whole query.")
    next_cursor: str | None = None


class TagsToAdd(Schema):
    """Tags as a person types them; a name that is known becomes its label."""

    tags: list[str] = Field(min_length=1, max_length=100, examples=[["beach", "with Anna"]])


class PhotoTags(Schema):
    """A photo's tags after an edit, which the app can undo."""

    id: str
    tags: list[TagSeen]


class ExportFormat(StrEnum):
    """What an export is."""

    CSV = "csv"
    JSON = "json"
    JSON_LINES = "jsonl"
    ZIP = "zip"


class ExportRequest(Schema):
    """Which photos, in which order, as what."""

    q: str = Field(default="", max_length=1000, description="A query; empty for every photo.")
    sort: str = Field(default="-added", max_length=20, examples=["-taken"])
    format: ExportFormat = ExportFormat.CSV


class Export(Schema):
    """An export that can be fetched; it is made while it is sent."""

    format: ExportFormat
    photos: int = Field(ge=0, description="Photos of the query now.")
    download_url: str = Field(examples=["/api/library/export.csv?q=beach&sort=-taken"])
