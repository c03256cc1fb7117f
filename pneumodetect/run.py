"""Brings up the whole platform on this machine and watches over it: what ``make run`` calls."""

from __future__ import annotations

import contextlib
import fcntl
import http.client
import json
import os
import socket
import sys
from collections.abc import Iterator

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from pneumodetect import redis_server
from pneumodetect.supervisor import ASK, Fault, Stopped, Supervisor, say

#: diagnosis/api/views.py lets half of them be held by requests that wait for a prediction.
WEB_THREADS = 24
READY_WITHIN = 90.0


def main() -> int:
    try:
        run()
    except (Fault, ImproperlyConfigured) as error:
        say(str(error))
    except OSError as error:
        say(f"{error.filename or settings.DATA_DIR} cannot be used: {error.strerror}. {ASK}")
    except Stopped:
        return 0
    return 1


def run() -> None:
    """Bring everything up, and return never: raises Stopped in the end, or the fault that ended it."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pneumodetect.settings")
    port = whole_number("PNEUMODETECT_PORT", 8000, most=65535)
    workers = whole_number("PNEUMODETECT_WORKERS", core_count(), most=1000)
    is_own_redis = not os.environ.get("REDIS_URL")
    if is_own_redis:
        os.environ["REDIS_URL"] = redis_server.new_url()  # before the settings are read
    with only_one_run(), Supervisor(settings.DATA_DIR / "logs") as supervisor:
        require_free(port)
        bring_up_redis(supervisor, is_own_redis)
        demo_user = supervisor.call("prepare", [sys.executable, "-m", "pneumodetect.prepare"])
        supervisor.start("worker", worker_command(port, workers), grace=settings.CLASSIFY_HARD_LIMIT + 3)
        supervisor.start("web", web_command(port), grace=8)
        wait_until_ready(supervisor, port)
        print(f"PneumoDetect is ready: http://127.0.0.1:{port}/{demo_user}", flush=True)
        supervisor.watch()


def whole_number(name: str, default: int, most: int) -> int:
    text = os.environ.get(name) or str(default)
    if not text.isdecimal() or not 1 <= int(text) <= most:
        raise Fault(f"{name} is {text!r}; it must be a whole number from 1 to {most}, such as {default}.")
    return int(text)


def core_count() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


@contextlib.contextmanager
def only_one_run() -> Iterator[None]:
    """Hold a lock on the data folder; the system lets go of it however this process ends."""
    with (settings.DATA_DIR / "run.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Fault(
                f"PneumoDetect is running already with the data in {settings.DATA_DIR}. Stop it, or give this one "
                "a PNEUMODETECT_DATA_DIR and a PNEUMODETECT_PORT of its own."
            ) from error
        yield


def require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise Fault(
                f"Port {port} cannot be used ({error.strerror}). Set PNEUMODETECT_PORT to another one."
            ) from error


def bring_up_redis(supervisor: Supervisor, is_own: bool) -> None:
    if is_own:
        supervisor.start("redis", redis_server.command(settings.REDIS_URL, settings.DATA_DIR / "redis"), grace=5)
    if supervisor.watch(lambda: redis_server.answers(settings.REDIS_URL), seconds=20 if is_own else 3):
        return
    if is_own:
        raise Fault(f"Redis does not answer. Its reasons are in {supervisor.logs / 'redis.log'}")
    raise Fault("No Redis answers at REDIS_URL. Correct it, or unset it to have a Redis started here.")


def worker_command(port: int, workers: int) -> list[str]:
    options = ["--pool", "prefork", "--concurrency", str(workers), "--without-gossip", "--without-mingle"]
    # The name must be another one for each worker that shares a Redis, and stay over restarts: a queue bears it.
    options += ["--hostname", f"pneumodetect-{port}@%h", "--queues", "celery", "--loglevel", "INFO"]
    quiet = ["--quiet"] if settings.LOG_FORMAT == "json" else []  # the banner is no line of JSON
    return [sys.executable, "-m", "celery", *quiet, "-A", "pneumodetect", "worker", *options]


def web_command(port: int, host: str = "127.0.0.1") -> list[str]:
    # A thread that reads a slow upload does not count as a worker that hangs: this class beats from another thread.
    patience = ["--worker-class", "pneumodetect.web_worker.ImpatientWorker"]
    options = ["--bind", f"{host}:{port}", *patience, "--threads", str(WEB_THREADS)]
    options += ["--logger-class", "pneumodetect.web_worker.PlatformLogger"]
    options += ["--workers", "1", "--keep-alive", "5", "--graceful-timeout", "5", "--no-control-socket"]
    return [sys.executable, "-m", "gunicorn", "pneumodetect.wsgi", *options]


def wait_until_ready(supervisor: Supervisor, port: int) -> None:
    if supervisor.watch(lambda: not silent_parts(port), READY_WITHIN):
        return
    parts = " and ".join(silent_parts(port))
    raise Fault(f"The platform is not ready after {READY_WITHIN:g} s: no answer from {parts}. See {supervisor.logs}")


def silent_parts(port: int) -> list[str]:
    """Ask /readyz, and return the parts of the platform that do not answer."""
    host = settings.ALLOWED_HOSTS[0].lstrip(".").replace("*", "localhost")
    web = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        web.request("GET", "/readyz", headers={"Host": host})
        states = json.loads(web.getresponse().read())
    except (OSError, http.client.HTTPException, ValueError):
        return ["web"]
    finally:
        web.close()
    return [name for name, state in states.items() if name != "status" and state != "ok"]


if __name__ == "__main__":
    sys.exit(main())
