"""How fast and how large it is: ``make bench``. Times are ratios to a reference that is measured in the same run.

The reference is Pillow's own decoding and squeezing of the same 1400 x 1100 JPEG: the least that any program which
reads radiographs has to do, on whatever machine this runs.
"""

from __future__ import annotations

import io
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil
from PIL import Image

from bench.client import bench_client
from bench.pages import bench_open_pages, bench_pages
from diagnosis.engine.classifier import Classifier
from diagnosis.engine.header import read_header
from diagnosis.engine.preprocessing import SIDE, read_radiograph
from diagnosis.engine.probes import draw_probe
from tests.calls import Caller
from tests.drawings import jpeg_bytes
from tests.live import LivePlatform

BUNDLED_MODEL = Path(__file__).parent.parent / "diagnosis" / "bundled_model"
LARGE, SMALL = jpeg_bytes(1400, 1100), jpeg_bytes(SIDE, SIDE)


def median_seconds(call: Callable[[], object], repeats: int = 60) -> float:
    call()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def decode_only() -> None:
    with Image.open(io.BytesIO(LARGE)) as image:
        image.convert("L").resize((SIDE, SIDE), Image.Resampling.BILINEAR)


def report(name: str, seconds: float, reference: float, remark: str = "") -> None:
    print(f"{name:58} {seconds / reference:8.2f} x   {1000 * seconds:8.1f} ms   {remark}")


def bench_engine(reference: float) -> None:
    classifier = Classifier.load(BUNDLED_MODEL)
    pixels = draw_probe(1)
    report("header check, 1400 x 1100 JPEG", median_seconds(lambda: read_header(io.BytesIO(LARGE))), reference)
    report("pixels for the network, 1400 x 1100 JPEG", median_seconds(lambda: read_radiograph(LARGE)), reference)
    report("network alone, one thread", median_seconds(lambda: classifier.logit(pixels)), reference)
    small = median_seconds(lambda: classifier.classify(SMALL))
    report("classify, 224 x 224 JPEG, one core", small, reference, f"{1 / small:.0f} images a second")
    report("classify, 1400 x 1100 JPEG, one core", median_seconds(lambda: classifier.classify(LARGE)), reference)


def bench_platform(reference: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        platform = LivePlatform(Path(folder)).wait_until_ready()
        try:
            caller = Caller(platform.url, platform.username, platform.password)
            answered = median_seconds(lambda: caller.upload(LARGE, wait=10), repeats=40)
            report("upload to answer through the API, 1400 x 1100 JPEG", answered, reference)
            bench_pages(platform, reference, report)
            bench_open_pages(platform, reference, report)
            bench_client(platform, reference, report)
            report_memory("web server", platform.web_pids()[1:])
            main, *pool = platform.worker_pids()
            report_memory("worker, main process", [main])
            report_memory("worker, process of the pool", pool)
        finally:
            platform.stop()


def report_memory(name: str, pids: list[int]) -> None:
    largest = max(psutil.Process(pid).memory_info().rss for pid in pids)
    print(f"{name + ', resident memory':58} {largest / 1024**2:8.0f} MB")


def main() -> None:
    reference = median_seconds(decode_only)
    report("reference: decode and squeeze with Pillow alone", reference, reference)
    bench_engine(reference)
    bench_platform(reference)


if __name__ == "__main__":
    main()
