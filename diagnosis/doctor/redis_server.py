"""Redis: reachable, and set up so that no message is dropped."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from redis import Redis
from redis.exceptions import AuthenticationError, RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from diagnosis.doctor.findings import Finding, ok, on_one_line, problem, warning

OLDEST = (6, 2)


def connect() -> Redis:
    return Redis.from_url(settings.REDIS_URL, socket_timeout=3, socket_connect_timeout=3)


def look() -> Iterator[Finding]:
    try:
        with connect() as redis:
            facts: dict[str, Any] = redis.info()
    except AuthenticationError:
        yield problem(f"Redis at {_place()} refuses the password.", "Correct the password in REDIS_URL.")
        return
    except (RedisTimeoutError, TimeoutError):
        yield problem(
            f"Redis at {_place()} says nothing: it hangs, was stopped, or cannot be reached from here.",
            "Start it again; where make run started it, end its process (kill -9), and make run starts another one.",
        )
        return
    except (RedisError, OSError, ValueError) as error:
        yield problem(
            f"Redis at {_place()} does not answer: {on_one_line(error)}. Uploads are kept, and nothing is read.",
            "Start it (make run starts its own), or correct REDIS_URL.",
        )
        return
    yield from _judge(facts)


def _place() -> str:
    """Return where it is, without user and password."""
    parts = urlsplit(settings.REDIS_URL)
    return f"{parts.hostname}:{parts.port or 6379}" if parts.hostname else parts.path


def _judge(facts: dict[str, Any]) -> Iterator[Finding]:
    if facts.get("loading"):
        yield warning("Redis is still loading its data.", "Wait a moment, and ask again.")
    version = str(facts.get("redis_version", "0"))
    if tuple(map(int, version.split(".")[:2])) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        yield warning(f"Redis is version {version}, older than what this was tried with.", f"Take {oldest} or later.")
    else:
        yield ok(f"Redis {version} answers at {_place()}.")
    if facts.get("aof_enabled"):
        yield ok("Redis writes its queue to disk (appendonly).")
    else:
        yield warning(
            "Redis does not write its queue to disk: after its restart jobs wait some seconds for the sweep.",
            "Set `appendonly yes` in redis.conf.",
        )
    if facts.get("aof_last_write_status", "ok") != "ok":
        yield problem("Redis could not write to its disk the last time.", "Make room on its disk, and see its log.")
    yield from _memory(facts)


def _memory(facts: dict[str, Any]) -> Iterator[Finding]:
    policy, most, used = facts.get("maxmemory_policy"), facts.get("maxmemory", 0), facts.get("used_memory", 0)
    if policy != "noeviction":
        yield problem(
            f"Redis may drop messages to make room (maxmemory-policy {policy}).",
            "Set `maxmemory-policy noeviction` in redis.conf.",
        )
    elif most and used > 0.9 * most:
        yield problem(
            f"Redis is nearly full: {used // 1024**2} of {most // 1024**2} MB.", "Raise `maxmemory`, or empty it."
        )
    else:
        yield ok("Redis drops nothing to make room (noeviction).")
