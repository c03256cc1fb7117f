"""A real Redis for what cannot be tried without one: fixture ``real_redis``, emptied for each test."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.cache import caches
from pytest_django.fixtures import Settings
from redis import Redis

from pneumodetect import redis_server  # noqa: TID251 - what make run starts


class RedisServer:
    """A redis-server of its own, configured as ``make run`` does it but for ``extra``."""

    def __init__(self, folder: Path, extra: str = "", url: str = "") -> None:
        self.url = url or redis_server.new_url()
        command = redis_server.command(self.url, folder)
        with Path(command[-1]).open("a") as configuration:
            configuration.write(extra)
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        end = time.monotonic() + 20
        while not redis_server.answers(self.url):
            assert time.monotonic() < end
            time.sleep(0.02)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)


@pytest.fixture(scope="session")
def redis_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    yield server
    server.stop()


def cache_at(url: str) -> dict[str, object]:
    options = {"SOCKET_CONNECT_TIMEOUT": 1, "SOCKET_TIMEOUT": 1, "IGNORE_EXCEPTIONS": True}
    return {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": url, "OPTIONS": options}


@pytest.fixture
def real_redis(redis_process: RedisServer, settings: Settings) -> Iterator[Redis]:
    settings.CACHES = {**settings.CACHES, "redis": cache_at(redis_process.url)}
    settings.REDIS_URL = redis_process.url
    with Redis.from_url(redis_process.url) as client:
        client.flushall()
        yield client
    caches["redis"].close()


__all__ = ["RedisServer", "cache_at", "real_redis", "redis_process"]
