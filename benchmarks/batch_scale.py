"""Time of a batch by 1, 2 and 4 workers of Ray, and a model of time and cost to a billion photos.

The same photos, large or small, are predicted by the local driver and by Ray. The model has one
figure of the machine, the seconds that one worker with one thread takes for a photo; it predicts
the time with more workers, which the table compares with the measured one. The second table
multiplies: photos, bytes, requests, and the list prices given as options (defaults: Amazon S3
Standard and an on-demand c5.4xlarge with 16 vCPUs in us-east-1, in dollars).

    python -m benchmarks.batch_scale [--photos 2000] [--pixels 320x240] [--rates WEB PHONE]
"""

import argparse
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from scene_model.config import Settings
from scene_model.scale.batch_run import BatchRun
from scene_model.scale.drivers.driver import Driver
from scene_model.scale.drivers.local import LocalDriver
from scene_model.scale.drivers.ray import RayDriver
from scene_model.scale.manifest import MANIFEST_FILE
from scene_model.scale.part_job import PartSummary
from tests.pictures import encode, textured

WORKERS = (1, 2, 4)
_PARTS = 20
_PICTURE_BYTES = {"web": 100_000, "phone": 4_000_000}


@dataclass(frozen=True)
class Prices:
    """Dollars. vcpu_hour: one virtual CPU for an hour. get, put, list: a thousand requests."""

    vcpu_hour: float = 0.68 / 16
    get: float = 0.0004
    put: float = 0.005
    list: float = 0.005
    gigabyte_month: float = 0.023
    gigabyte_out: float = 0.09


@dataclass(frozen=True)
class Timing:
    """Seconds until the first part, and photos a second from then on."""

    start_s: float
    rate: float


def timed(photos: Path, out: Path, count: int, driver: Driver) -> Timing:
    """Run a batch; the start is what the first part takes beyond its share of the work."""
    started, ends = time.monotonic(), list[tuple[float, int]]()

    class Timed:
        def run(self, job, chunks, on_part, stop):  # type: ignore[no-untyped-def]
            def note(summary: PartSummary) -> None:
                on_part(summary)
                ends.append((time.monotonic() - started, summary.rows))

            driver.run(job, chunks, note, stop)

    BatchRun(str(photos), str(out), Settings(workers=2), part_rows=count // _PARTS).run(
        Timed(), Event()
    )
    # The first two parts may have waited for the model; the last ones for idle workers.
    first, last = ends[1][0], ends[-1][0]
    rate = sum(rows for _, rows in ends[2:]) / (last - first)
    return Timing(max(0.0, first - sum(rows for _, rows in ends[:2]) / rate), rate)


def measure(photos: Path, count: int, cores: int) -> tuple[int, int]:
    """Print the table of measured and predicted times; returns bytes of a row and of a part."""
    row = "| {:<22} | {:>7} | {:>8} | {:>9} | {:>13} | {:>8} |"
    print(row.format("driver", "threads", "start", "photos/s", "predicted", "off by"))
    print(row.format(*["---"] * 6))
    single = 0.0
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        for workers in WORKERS:
            timing = timed(photos, out / f"ray{workers}", count, RayDriver(None, workers, workers))
            single = single or timing.rate
            predicted = single * min(workers, cores)
            print(
                row.format(
                    f"ray, workers: {workers}",
                    workers,
                    f"{timing.start_s:.1f} s",
                    f"{timing.rate:.0f}",
                    f"{predicted:.0f}",
                    f"{predicted / timing.rate - 1:+.0%}",
                ),
                flush=True,
            )
        local = timed(photos, out / "local", count, LocalDriver())
        print(row.format("local", 2, f"{local.start_s:.1f} s", f"{local.rate:.0f}", "", ""))
        parts = list((out / "local").glob("*.parquet"))
        row_bytes = sum(part.stat().st_size for part in parts) // count
        manifest_bytes = (out / "local" / MANIFEST_FILE).stat().st_size
    return row_bytes, manifest_bytes // len(parts)


def on_paper(rates: dict[str, float], row_bytes: int, prices: Prices) -> None:
    """Print time and cost of a million and of a billion photos, for photos a second and vCPU."""
    row = "| {:<6} | {:>13} | {:>10} | {:>9} | {:>9} | {:>9} | {:>10} | {:>9} | {:>12} |"
    print(
        row.format(
            *("kind", "photos", "vCPU hours", "computing", "requests", "kept/month"),
            *("total once", "per 1,000", "if sent out"),
        )
    )
    print(row.format(*["---"] * 9))
    for kind, rate in rates.items():
        for photos in (1_000_000, 1_000_000_000):
            hours = photos / rate / 3600
            computing = hours * prices.vcpu_hour
            thousands = photos / 1000
            # A list request names a thousand objects; a part of a thousand rows is one PUT.
            requests = thousands * (prices.get + (prices.list + prices.put) / 1000)
            kept = photos * row_bytes / 1e9 * prices.gigabyte_month
            sent = photos * _PICTURE_BYTES[kind] / 1e9 * prices.gigabyte_out
            total = computing + requests
            print(
                row.format(
                    kind,
                    f"{photos:,}",
                    f"{hours:,.0f}",
                    f"${computing:,.2f}",
                    f"${requests:,.2f}",
                    f"${kept:,.2f}",
                    f"${total:,.2f}",
                    f"${total / thousands:.5f}",
                    f"${sent:,.0f}",
                )
            )


def main() -> int:
    """Read the options, measure, and print both tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--photos", type=int, default=2_000)
    parser.add_argument("--pixels", default="320x240")
    parser.add_argument(
        "--rates",
        type=float,
        nargs=2,
        metavar=("WEB", "PHONE"),
        default=(110.0, 30.0),
        help="photos a second and core: pictures of the web, photos of 12 megapixels",
    )
    for name, value in vars(Prices()).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=float, default=value)
    options = parser.parse_args()
    width, height = map(int, options.pixels.split("x"))
    with tempfile.TemporaryDirectory() as folder:
        photos = Path(folder)
        for number in range(options.photos):
            (photos / f"{number:06d}.jpg").write_bytes(encode(textured(width, height, number)))
        row_bytes, part_bytes = measure(photos, options.photos, os.cpu_count() or 1)
    print(f"\n{row_bytes:,} bytes a row, {part_bytes:,} bytes of manifest a part\n")
    prices = Prices(**{name: getattr(options, name) for name in vars(Prices())})
    on_paper(dict(zip(_PICTURE_BYTES, options.rates, strict=True)), row_bytes, prices)
    return 0


if __name__ == "__main__":
    sys.exit(main())
