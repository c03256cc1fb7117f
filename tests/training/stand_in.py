"""Stands in for ``manage.py train``: writes the files that it writes, an epoch at a time, and goes on where it was.

Called with the output folder, the number of epochs, the seconds that each takes, and the epoch whose first attempt
ends with SIGKILL (0: none), or "refuse" to end with a sentence. Another process of its own stays beside it.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

BUNDLED_MODEL = Path(__file__).parents[2] / "diagnosis" / "bundled_model"


def main(output: Path, epochs: int, seconds: float, crash_at: str) -> None:
    partial = output.with_name(f"{output.name}.partial")
    partial.mkdir(parents=True, exist_ok=True)
    beside = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    with (partial / "pids.txt").open("a") as pids:
        pids.write(f"{os.getpid()} {beside.pid}\n")
    if crash_at == "refuse":
        print("Reading images ...\rReading images: 10 of 10")
        print("CommandError: NORMAL/ holds no images.", file=sys.stderr)
        beside.kill()
        sys.exit(1)
    history_file = partial / "history.json"
    history = json.loads(history_file.read_text()) if history_file.exists() else []
    for epoch in range(len(history) + 1, epochs + 1):
        progress = {"epoch": epoch, "epochs": epochs, "step": 1, "steps": 2, "loss": float("nan"), "seconds_left": 5}
        (partial / "progress.json").write_text(json.dumps(progress))
        time.sleep(seconds)
        if str(epoch) == crash_at and not (partial / "crashed").exists():
            (partial / "crashed").touch()
            os.killpg(0, signal.SIGKILL)
        history.append({"epoch": epoch, "loss": 1 / epoch, "clean_auroc": 0.9, "by": os.getpid()})
        history_file.write_text(json.dumps(history))
        print(f"epoch {epoch}", flush=True)
    beside.kill()
    shutil.copytree(BUNDLED_MODEL, output)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), sys.argv[4])
