"""Read what a batch has written: for `library add --from-batch`, and for tests."""

from collections.abc import Iterator

from scene_model.errors import BatchError
from scene_model.scale.manifest import MANIFEST_FILE, Manifest, read_manifest
from scene_model.scale.part_store import PartStore, open_parts
from scene_model.scale.parts import PartRow, open_part, rows_of

# Rows that are in memory at a time.
_BATCH_ROWS = 256

BatchRow = PartRow


def open_manifest(out: str) -> Manifest:
    """Read the manifest of an output: a folder or URL. Raises BatchError, also without one."""
    return _manifest(open_parts(out), out)


def read_rows(out: str, bundle: str | None = None) -> Iterator[BatchRow]:
    """Yield the rows of an output's finished parts, part by part; failed pictures too.

    bundle: the id of the model that the rows must be of; None: any. Raises BatchError where they
    are of another, or a part is damaged or missing.
    """
    store = open_parts(out)
    manifest = _manifest(store, out)
    if bundle is not None and manifest.model.bundle != bundle:
        raise BatchError(
            f"{out} holds predictions of the model {manifest.model.bundle}, not of {bundle}. "
            "Choose that model, or run the batch again with this one into another output.",
            code="batch_differs",
        )
    for name in sorted(manifest.parts):
        data = store.read(name)
        if data is None:
            raise BatchError(
                f"{out} lacks {name}, which its manifest lists. Run the batch again.",
                code="batch_damaged",
            )
        for batch in open_part(data, name).iter_batches(_BATCH_ROWS):
            yield from rows_of(batch)


def _manifest(store: PartStore, out: str) -> Manifest:
    manifest = read_manifest(store)
    if manifest is None:
        raise BatchError(
            f"{out} has no {MANIFEST_FILE}, so it is no output of `batch`.", code="batch_missing"
        )
    return manifest
