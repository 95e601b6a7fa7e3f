"""What every driver offers."""

from collections.abc import Callable, Iterator
from threading import Event
from typing import Protocol

from scene_model.scale.items import Chunk
from scene_model.scale.part_job import PartJob, PartSummary


class Driver(Protocol):
    """Runs chunks through `PartWorker`s."""

    def run(
        self,
        job: PartJob,
        chunks: Iterator[Chunk],
        on_part: Callable[[PartSummary], None],
        stop: Event,
    ) -> None:
        """Process every chunk once, in any order, and return when the last part is written.

        chunks: made while they are taken, by one thread at a time; a chunk must not be taken long
        before it is worked on, since there may be millions. on_part: called once for each part
        that is written, by any thread. stop: set by another thread; the driver then takes no
        further chunk, waits for or abandons those in work, and returns.

        Raises the SceneError that ends the run (the output cannot be written, the model cannot be
        opened), and what `chunks` raises; bad items are rows and raise nothing.
        """
