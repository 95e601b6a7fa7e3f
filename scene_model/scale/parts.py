"""Parts of a batch: Parquet files whose rows are the fields of ``classify --jsonl`` and more.

A struct of Parquet needs the same fields in every file, so the labels of `probabilities` are those
of the model, in its order; one output holds the rows of one model.
"""

import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from scene_model.errors import BatchError

FORMAT = 1
_METADATA_KEY = b"scene_gallery"
# A group of rows is the least that a reader decodes at once.
_ROW_GROUP_ROWS = 1_000
_TAGS = pa.list_(pa.struct([("label", pa.string()), ("score", pa.float64())]))

EmbeddingArray = npt.NDArray[np.float16]


@dataclass(frozen=True)
class BatchModel:
    """What every part of an output has in common; the manifest holds it, and each part.

    source: as given. bundle: id of the model. backbone: id of its network. head: the head of
    `label` and `probabilities`; labels: its labels. with_embeddings: whether there are embeddings.
    """

    source: str
    bundle: str
    backbone: str | None
    head: str
    labels: tuple[str, ...]
    with_embeddings: bool
    format: int = FORMAT

    def as_json(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        return asdict(self) | {"labels": list(self.labels)}

    @classmethod
    def of_json(cls, values: Mapping[str, Any]) -> "BatchModel":
        """Build it from JSON values; raises BatchError for those of another format."""
        if values.get("format") != FORMAT:
            raise BatchError(
                f"The batch has format {values.get('format')!r}; this program reads format "
                f"{FORMAT}. Use a later version of the program.",
                code="batch_damaged",
            )
        try:
            fields = {name: values[name] for name in cls.__dataclass_fields__}
            return cls(**fields | {"labels": tuple(fields["labels"])})
        except (KeyError, TypeError) as error:
            raise BatchError(
                f"The description of the batch lacks {error}.", code="batch_damaged"
            ) from error


@dataclass(frozen=True)
class PartRow:
    """One row: a `prediction_record` and what belongs to the file.

    version: of the content that was read. sha256, bytes: None where it was not read whole.
    perceptual_hash: None for a video, and where nothing was decoded.
    """

    record: dict[str, Any]
    source_id: str | None
    source_label: str | None
    version: str
    sha256: str | None
    bytes: int | None
    perceptual_hash: int | None
    embedding: EmbeddingArray | None


def part_schema(model: BatchModel) -> pa.Schema:
    """Return the columns of a part."""
    text = pa.string()
    fields: list[tuple[str, pa.DataType]] = [
        ("file", text),
        ("label", text),
        ("confidence", pa.float64()),
        ("unsure", pa.bool_()),
        ("probabilities", pa.struct([(label, pa.float64()) for label in model.labels])),
        ("class", text),
        ("class_source", text),
        ("group", text),
        *((name, _TAGS) for name in ("tags", "places", "objects")),
        ("taken_at", text),
        ("bundle", text),
        ("error", pa.struct([("code", text), ("message", text)])),
        ("source_id", text),
        ("source_label", text),
        ("version", text),
        ("sha256", text),
        ("bytes", pa.int64()),
        # Text, since pandas turns whole numbers with gaps into floats of 53 bits.
        ("perceptual_hash", text),
    ]
    if model.with_embeddings:
        fields.append(("embedding", pa.list_(pa.float16())))
    return pa.schema(fields, {_METADATA_KEY: json.dumps(model.as_json()).encode()})


def part_table(rows: Sequence[PartRow], model: BatchModel) -> pa.Table:
    """Return rows as a table."""
    schema = part_schema(model)
    columns: dict[str, list[Any]] = {
        name: [row.record[name] for row in rows] for name in schema.names[:14]
    }
    columns["file"] = [utf8(file) for file in columns["file"]]
    columns["error"] = [
        error and {name: utf8(text) for name, text in error.items()} for error in columns["error"]
    ]
    columns |= {
        name: [getattr(row, name) for row in rows]
        for name in ("source_id", "source_label", "version", "sha256", "bytes")
    }
    columns["perceptual_hash"] = [
        None if row.perceptual_hash is None else f"{row.perceptual_hash:016x}" for row in rows
    ]
    arrays = [pa.array(columns[name], schema.field(name).type) for name in columns]
    if model.with_embeddings:
        arrays.append(_embedding_array([row.embedding for row in rows]))
    return pa.Table.from_arrays(arrays, schema=schema)


def part_bytes(table: pa.Table) -> bytes:
    """Return a table as a Parquet file."""
    buffer = io.BytesIO()
    # Halves of random-looking bits do not compress; a dictionary would only be built in vain.
    dictionary = [name for name in table.schema.names if name != "embedding"]
    pq.write_table(
        table,
        buffer,
        row_group_size=_ROW_GROUP_ROWS,
        compression="zstd",
        use_dictionary=dictionary,
    )
    return buffer.getvalue()


def open_part(data: bytes, name: str) -> pq.ParquetFile:
    """Open a part for reading; raises BatchError where it is damaged."""
    try:
        return pq.ParquetFile(pa.BufferReader(data))
    except (pa.ArrowInvalid, OSError) as error:
        raise BatchError(
            f"{name} is no whole Parquet file: {error}. Remove it and run the batch again.",
            code="batch_damaged",
        ) from error


def part_model(part: pq.ParquetFile) -> BatchModel | None:
    """Return the model that a part's rows are of; None for a file that a batch did not write."""
    metadata = part.schema_arrow.metadata or {}
    try:
        return BatchModel.of_json(json.loads(metadata[_METADATA_KEY]))
    except (KeyError, ValueError, BatchError):
        return None


def rows_of(batch: pa.RecordBatch) -> Iterable[PartRow]:
    """Yield the rows of a part."""
    has_embeddings = "embedding" in batch.schema.names
    embeddings = batch.column("embedding") if has_embeddings else None
    plain = batch.drop_columns(["embedding"]) if has_embeddings else batch
    for index, values in enumerate(plain.to_pylist()):
        record = {name: values[name] for name in plain.schema.names[:14]}
        perceptual_hash = values["perceptual_hash"]
        embedding = None
        if embeddings is not None and embeddings[index].is_valid:
            embedding = embeddings[index].values.to_numpy(zero_copy_only=False)
        yield PartRow(
            record,
            values["source_id"],
            values["source_label"],
            values["version"],
            values["sha256"],
            values["bytes"],
            perceptual_hash=None if perceptual_hash is None else int(perceptual_hash, 16),
            embedding=embedding,
        )


def utf8(text: str) -> str:
    r"""Escape what is no UTF-8 in a file's name (``\udcff``): Parquet has no other text."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _embedding_array(embeddings: Sequence[EmbeddingArray | None]) -> pa.Array:
    lengths = [0 if embedding is None else len(embedding) for embedding in embeddings]
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    values = [embedding for embedding in embeddings if embedding is not None]
    flat = np.concatenate(values) if values else np.empty(0, np.float16)
    missing = pa.array([embedding is None for embedding in embeddings], pa.bool_())
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(flat), mask=missing)
