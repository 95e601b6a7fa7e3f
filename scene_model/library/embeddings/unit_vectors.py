"""Unit vectors of an embedding file in memory, for comparing all photos with a sentence.

One byte per value: 100,000 photos with 512 values take 51 MB, and a comparison reads them in about
15 ms. Reading the float16 file itself takes ten times as long. Rounding changes a cosine by less
than 0.002.
"""

import threading
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from scene_model.classifier.bundle import FloatArray
from scene_model.library.embeddings.embedding_files import EmbeddingFiles

_CHUNK_SLOTS = 1024
_LARGEST = 127
_HEADER = np.dtype([("photo", "<u8"), ("checksum", "<u8")])


class UnitVectors:
    """The vectors of one file by slot, brought up to date when the file has changed.

    Thread-safe.
    """

    def __init__(
        self,
        files: EmbeddingFiles,
        name: str,
        size: int,
        project: Callable[[FloatArray], FloatArray],
    ) -> None:
        """project: turns embeddings, float32 (N, embedding size), into unit vectors (N, size)."""
        self._files, self._name, self._project = files, name, project
        self._lock = threading.Lock()
        self._stamp: tuple[int, int] | None = None
        self._headers: npt.NDArray[np.void] = np.empty(0, _HEADER)
        self._values: npt.NDArray[np.int8] = np.empty((0, size), np.int8)
        self._scales: FloatArray = np.empty(0, np.float32)
        self._measured: tuple[tuple[int, int], float] | None = None

    def products(self, vector: FloatArray) -> FloatArray:
        """Return the dot product of each slot with a vector, float32 (slots,)."""
        values, scales = self._current()
        products = np.empty(len(values), np.float32)
        for start in range(0, len(values), _CHUNK_SLOTS):
            end = start + _CHUNK_SLOTS
            products[start:end] = values[start:end].astype(np.float32) @ vector
        result: FloatArray = products * scales
        return result

    def sample(self, slots: npt.NDArray[np.int64]) -> FloatArray:
        """Return the vectors of some slots, float32 (N, size); without those beyond the end."""
        values, scales = self._current()
        slots = slots[slots < len(values)]
        result: FloatArray = values[slots].astype(np.float32) * scales[slots, np.newaxis]
        return result

    def measured(self, measure: Callable[[], float]) -> float:
        """Return a figure of the vectors; it is measured again after the file has changed."""
        stamp, measured = self.stamp(), self._measured
        if measured is None or measured[0] != stamp:
            measured = self._measured = (stamp, measure())
        return measured[1]

    def stamp(self) -> tuple[int, int]:
        """Return a value that changes when the file does."""
        try:
            stat = self._files.path(self._name).stat()
        except OSError:
            return 0, 0
        return stat.st_mtime_ns, stat.st_size

    def _current(self) -> tuple[npt.NDArray[np.int8], FloatArray]:
        with self._lock:
            # Before reading: a change meanwhile is read at the next call.
            stamp = self.stamp()
            if stamp != self._stamp:
                self._read_changed()
                self._stamp = stamp
            return self._values, self._scales

    def _read_changed(self) -> None:
        """Read the slots whose header is another one than before."""
        headers = self._files.headers(self._name).view(_HEADER).reshape(-1)
        count, before = len(headers), min(len(headers), len(self._headers))
        # New arrays: another thread may be reading the ones there are.
        values = np.zeros((count, self._values.shape[1]), np.int8)
        scales = np.zeros(count, np.float32)
        values[:before], scales[:before] = self._values[:before], self._scales[:before]
        is_changed = np.ones(count, np.bool_)
        is_changed[:before] = headers[:before] != self._headers[:before]
        changed = np.flatnonzero(is_changed)
        for start in range(0, len(changed), _CHUNK_SLOTS):
            slots = changed[start : start + _CHUNK_SLOTS]
            is_run = slots[-1] - slots[0] + 1 == len(slots)
            selection = slice(int(slots[0]), int(slots[-1]) + 1) if is_run else slots.tolist()
            vectors = self._project(self._files.rows(self._name, selection))
            largest = np.abs(vectors).max(axis=1, initial=0.0)
            scales[slots] = largest / _LARGEST
            values[slots] = np.rint(
                vectors * (_LARGEST / np.maximum(largest, 1e-12))[:, np.newaxis]
            ).astype(np.int8)
        self._headers, self._values, self._scales = headers, values, scales
