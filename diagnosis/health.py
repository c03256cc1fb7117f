"""What answers and what does not, for the program that starts and watches this one."""

from __future__ import annotations

from django.core.cache import caches
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse

from diagnosis import worker


def healthz(request: HttpRequest) -> HttpResponse:
    """The process lives."""
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> HttpResponse:
    """Database, Redis and at least one worker answer; else 503, which names those that do not."""
    answers = {"database": _database_answers(), "redis": redis_answers(), "worker": worker.is_any_alive()}
    ready = all(answers.values())
    states = {name: "ok" if answer else "does not answer" for name, answer in answers.items()}
    return JsonResponse({"status": "ready" if ready else "not ready", **states}, status=200 if ready else 503)


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM django_migrations LIMIT 1")  # an empty database answers too
    except DatabaseError:
        return False
    return True


def redis_answers() -> bool:
    # The cache swallows errors of Redis, so what was written must come back.
    redis = caches["redis"]
    redis.set("diagnosis.readyz", "1", timeout=10)
    return bool(redis.get("diagnosis.readyz") == "1")
