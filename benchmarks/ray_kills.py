"""Kill parts of `batch --engine ray` at random moments; each photo must end with one row.

The photos are in an S3 server of this process, which counts what is read. Each round runs the
batch in a process of its own; the victim is killed (SIGKILL) at a random moment: the command
(`driver`), a worker's process (`actor`), a process that decodes for it (`decoder`), or the process
that manages the machine (`raylet`). When the command ended with that, it is run again. `node`: a
cluster of two simulated machines, one of which is killed. `cpus`: whole runs with 1, 2 and 4
logical CPUs and 1, 2 and 4 workers, each with a time limit, since a deadlock would last for ever.

    python -m benchmarks.ray_kills [--kills 20] [--victims driver actor decoder raylet] [--nodes 3]
                                   [--runs 20] [--photos 600] [--limit-s 180]
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

import pyarrow.parquet as pq

from scene_model.config import PROJECT_DIR, Settings
from scene_model.scale.batch_run import BatchRun
from scene_model.scale.drivers.ray import RayDriver
from tests.pictures import encode, textured
from tests.s3_server import S3Server, running_s3
from tests.scale.ray_processes import actors, command, descendants

BUCKET, PART_ROWS = "photos", 20
VICTIMS = ("driver", "actor", "decoder", "raylet")


def work(out: str, cpus: int, workers: int, address: str | None) -> None:
    """Run or resume the batch; runs in a process of its own."""
    settings = Settings(workers=2)
    batch = BatchRun(f"s3://{BUCKET}/", out, settings, part_rows=PART_ROWS)
    result = batch.run(RayDriver(address, workers, cpus), Event())
    print(f"{result.rows} rows", flush=True)


@dataclass
class Check:
    """Runs batches into new folders of `base` and counts what is wrong with them."""

    server: S3Server
    base: Path
    photos: int
    limit_s: float
    faults: list[str] = field(default_factory=list)

    def started(
        self, out: Path, cpus: int, workers: int, address: str = ""
    ) -> subprocess.Popen[str]:
        """Start the batch; its workers outlive it when it is killed."""
        options = [str(out), str(cpus), str(workers), address]
        return subprocess.Popen(
            [sys.executable, "-m", "benchmarks.ray_kills", "--work", *options],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            cwd=PROJECT_DIR,
            env=os.environ | self.server.environment(),
        )

    def ended(self, process: subprocess.Popen[str], what: str) -> int:
        """Wait for the end and return the exit code; a run beyond the limit is a fault."""
        try:
            _, errors = process.communicate(timeout=self.limit_s)
        except subprocess.TimeoutExpired:
            self.faults.append(f"{what}: not done after {self.limit_s:.0f} s")
            process.kill()
            _, errors = process.communicate()
        if process.returncode > 0:
            print(f"    {what}: exit code {process.returncode}: {errors.strip()[-300:]}")
        return process.returncode

    def finished_keys(self, out: Path) -> list[str]:
        """The photos that have a row in a whole part."""
        parts = sorted(out.glob("part-*.parquet"))
        columns = [pq.read_table(part, columns=["file"])["file"].to_pylist() for part in parts]
        return [file.removeprefix("s3://") for column in columns for file in column]

    def require_whole(self, out: Path, what: str) -> None:
        """Note what is lost or doubled in an output that is to be complete."""
        rows = Counter(self.finished_keys(out))
        doubled = [key for key, count in rows.items() if count > 1]
        lost = set(self.server.objects) - set(rows)
        if doubled or lost:
            self.faults.append(f"{what}: {len(lost)} photos lost, {len(doubled)} doubled")

    def kill(self, victim: str, kills: int, moments: random.Random) -> None:
        """Kill a kind of process until `kills` have hit one; each output ends complete."""
        hits = output = resumed = 0
        while hits < kills:
            out = self.base / f"{victim}{output}"
            output, is_done = output + 1, False
            while not is_done:
                finished = self.finished_keys(out)
                before = {key: self.server.gets[key] for key in finished}
                process = self.started(out, 2, 2)
                if hits < kills and _killed(process, victim, moments):
                    hits += 1
                what = f"{victim} {hits}"
                is_done = self.ended(process, what) == 0
                resumed += not is_done
                again = sum(self.server.gets[key] != count for key, count in before.items())
                if again:
                    self.faults.append(f"{what}: {again} finished photos read again")
                if resumed > 3 * kills + 3:
                    self.faults.append(f"{victim}: it never ends")
                    return
            self.require_whole(out, f"{victim} {hits}")
        print(
            f"{victim}: {hits} kills in {output} outputs, {resumed} runs again, "
            f"{len(self.faults)} faults so far",
            flush=True,
        )

    def lose_node(self, number: int, moments: random.Random) -> None:
        """Kill one of two machines of a cluster in the middle; the same run ends complete."""
        out = self.base / f"node{number}"
        with _cluster(2) as (cluster, address):
            process = self.started(out, 2, 2, address)
            parts = moments.randrange(1, self.photos // PART_ROWS // 2)
            until = time.monotonic() + self.limit_s
            while len(list(out.glob("part-*.parquet"))) < parts and time.monotonic() < until:
                time.sleep(0.05)
            assert cluster.stdin is not None  # noqa: S101 - it is a pipe
            cluster.stdin.write("kill\n")
            cluster.stdin.flush()
            left = self.photos - len(self.finished_keys(out))
            if self.ended(process, f"node {number}") != 0:
                self.faults.append(f"node {number}: the run did not end by itself")
        self.require_whole(out, f"node {number}")
        print(f"node {number}: killed with {left} photos to do", flush=True)

    def with_cpus(self, cpus: int, run: int) -> float:
        """Run a whole batch with so many logical CPUs and 1, 2 or 4 workers."""
        out, workers = self.base / f"cpus{cpus}-{run}", (1, 2, 4)[run % 3]
        started = time.monotonic()
        code = self.ended(self.started(out, cpus, workers), f"{cpus} CPUs, {workers} workers")
        if code != 0:
            self.faults.append(f"{cpus} CPUs, {workers} workers: exit code {code}")
        self.require_whole(out, f"{cpus} CPUs, {workers} workers")
        return time.monotonic() - started


def _killed(process: subprocess.Popen[str], victim: str, moments: random.Random) -> bool:
    """Kill a process of the run once its workers exist; False where the run ended before that."""
    while not actors(process.pid):
        if process.poll() is not None:
            return False
        time.sleep(0.05)
    try:
        process.wait(moments.uniform(0, 8))
    except subprocess.TimeoutExpired:
        pids = list(_pids(process.pid, victim))
        if pids:
            os.kill(moments.choice(pids), signal.SIGKILL)
            return True
    return False


def _pids(driver: int, victim: str) -> Iterator[int]:
    if victim == "driver":
        yield driver
    elif victim == "actor":
        yield from actors(driver)
    elif victim == "decoder":
        yield from (child for actor in actors(driver) for child in descendants(actor))
    else:
        yield from (pid for pid in descendants(driver) if "raylet/raylet" in command(pid))


_CLUSTER = """
import sys
from ray.cluster_utils import Cluster
node = {"object_store_memory": 80_000_000}
cluster = Cluster(initialize_head=True, head_node_args=node | {"num_cpus": 0})
nodes = [cluster.add_node(num_cpus=1, **node) for _ in range(int(sys.argv[1]))]
print(cluster.address, flush=True)
for line in sys.stdin:
    cluster.remove_node(nodes.pop(), allow_graceful=False)
cluster.shutdown()
"""


@contextmanager
def _cluster(nodes: int) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start a head and so many simulated machines of 1 CPU; a line to stdin kills one of them."""
    os.environ["RAY_AUTH_MODE"] = "disabled"
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    with subprocess.Popen(
        [sys.executable, "-c", _CLUSTER, str(nodes)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None and process.stdin is not None  # noqa: S101 - pipes
        try:
            yield process, process.stdout.readline().strip()
        finally:
            process.stdin.close()
            process.wait(60)
            del os.environ["RAY_AUTH_MODE"]


def main() -> int:
    """Read the options and run."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--victims", nargs="*", choices=VICTIMS, default=VICTIMS)
    parser.add_argument("--nodes", type=int, default=3)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--photos", type=int, default=600)
    parser.add_argument("--limit-s", type=float, default=180)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--work", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        out, cpus, workers, address = options.work
        work(out, int(cpus), int(workers), address or None)
        return 0
    moments = random.Random(options.seed)  # noqa: S311
    with running_s3() as server, tempfile.TemporaryDirectory() as folder:
        for number in range(options.photos):
            server.objects[f"{BUCKET}/{number:05d}.jpg"] = encode(textured(160, 120, number))
        check = Check(server, Path(folder), options.photos, options.limit_s)
        for victim in options.victims if options.kills else ():
            check.kill(victim, options.kills, moments)
        for number in range(options.nodes):
            check.lose_node(number, moments)
        for cpus in (1, 2, 4) if options.runs else ():
            seconds = sorted(check.with_cpus(cpus, run) for run in range(options.runs))
            print(f"{cpus} CPUs: {len(seconds)} runs, {seconds[0]:.0f} to {seconds[-1]:.0f} s")
    print(*(check.faults or ["no faults"]), sep="\n")
    return 1 if check.faults else 0


if __name__ == "__main__":
    sys.exit(main())
