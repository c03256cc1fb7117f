"""What the Python client itself costs: its processor's time for each of 500 uploads, whatever the server takes."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "clients" / "python" / "src"))

from pneumodetect_client import Client
from tests.drawings import jpeg_bytes
from tests.live import LivePlatform

FILES = 500


def bench_client(platform: LivePlatform, reference: float, report: Callable[..., None]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        data = jpeg_bytes(224, 224)
        files = [Path(folder, f"{number}.jpg") for number in range(FILES)]
        for file in files:
            file.write_bytes(data)
        with Client.log_in(platform.url, platform.username, platform.password) as client:
            client.upload(files[0])
            started, used = time.perf_counter(), time.process_time()
            results = list(client.upload_all(files))
            own, clock = time.process_time() - used, time.perf_counter() - started
    taken = sum(result.radiograph is not None for result in results)
    remark = f"{taken} of {FILES} taken, {FILES / clock:.0f} a second"
    report(f"the client's own time, each of {FILES} uploads", own / FILES, reference, remark)


def main() -> None:
    """Measure it alone: ``python -m bench.client``."""
    with tempfile.TemporaryDirectory() as folder:
        platform = LivePlatform(Path(folder)).wait_until_ready()
        try:
            bench_client(platform, 1.0, lambda name, own, _, remark: print(f"{name}: {1000 * own:.2f} ms   {remark}"))
        finally:
            platform.stop()


if __name__ == "__main__":
    main()
