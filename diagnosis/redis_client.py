"""Redis itself, for what Django's cache has no words for: counters and what the workers say of themselves."""

from __future__ import annotations

from typing import cast

from django.core.cache import caches
from django_redis.cache import RedisCache
from redis import Redis


def client() -> Redis | None:
    """Return a client that gives up after a second; None where the cache is another one, as in most tests."""
    cache = caches["redis"]
    return cast("Redis", cache.client.get_client(write=True)) if isinstance(cache, RedisCache) else None
