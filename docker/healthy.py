"""Whether the container is in order, by what runs in it: the web server answers, or the worker reports to Redis."""

import json
import os
import socket
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any


def main() -> int:
    words = Path("/proc/1/cmdline").read_bytes()
    return 0 if (worker_reports() if b"celery" in words else web_answers()) else 1


def web_answers() -> bool:
    host = os.environ.get("ALLOWED_HOSTS", "localhost").split(",")[0].strip().lstrip(".").replace("*", "localhost")
    request = urllib.request.Request("http://127.0.0.1:8000/healthz", headers={"Host": host})
    try:
        with urllib.request.urlopen(request, timeout=4) as answer:  # noqa: S310  (the address is above)
            return bool(answer.status == 200)
    except OSError:
        return False


def worker_reports() -> bool:
    from redis import Redis
    from redis.exceptions import RedisError

    name = f"pneumodetect-8000@{socket.gethostname()}"
    try:
        with Redis.from_url(os.environ["REDIS_URL"], socket_timeout=3) as redis:
            said: Any = redis.hget("diagnosis.workers", name)
    except (RedisError, OSError):
        return True  # it waits for Redis, and a restart would not help
    return bool(said and time.time() - json.loads(said)["time"] < 30)


if __name__ == "__main__":
    sys.exit(main())
