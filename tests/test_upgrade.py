"""A newer version starts where an older one stopped: its rows are migrated, and what it had rung for is answered."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from diagnosis.engine.classifier import Classifier
from tests.calls import Caller
from tests.conftest import BUNDLED_MODEL
from tests.drawings import jpeg_bytes
from tests.live import PASSWORD, ROOT, LivePlatform, clean_environment
from tests.real_redis import RedisServer
from tests.test_following import becomes

#: The tables and rows of the older version, written by its own models: a user with four radiographs that wait.
OLDER = """
import django, sys; django.setup()
from django.contrib.auth.hashers import make_password
from django.core.files.base import ContentFile
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
executor = MigrationExecutor(connection)
leaves = [each for each in executor.loader.graph.leaf_nodes() if each[0] not in ("diagnosis", "training")]
older = [*leaves, ("diagnosis", "0007_listed")]
executor.migrate(older)
executor.loader.build_graph()
apps = executor.loader.project_state(older).apps
demo = apps.get_model("auth", "User").objects.create(username="demo", password=make_password(sys.argv[1]))
from pathlib import Path
for path in sorted(Path(sys.argv[2]).iterdir()):
    radiograph = apps.get_model("diagnosis", "Radiograph")(
        owner=demo, filename=path.name, format="JPEG", width=320, height=256, sha256=path.stem * 64)
    radiograph.file.name = f"2026/{radiograph.pk}.jpg"
    stored = Path(sys.argv[3]) / "uploads" / radiograph.file.name
    stored.parent.mkdir(parents=True, exist_ok=True)
    stored.write_bytes(path.read_bytes())
    radiograph.save()
    print(apps.get_model("diagnosis", "Prediction").objects.create(radiograph=radiograph).pk)
"""


def message(task: str, *args: object, queue: str = "celery") -> str:
    """Return a message as Celery 5.7 and kombu 5.7 lay it into Redis for version 0.1.0 of this program."""
    name = str(uuid.uuid4())
    body = json.dumps([args, {}, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}])
    headers: dict[str, Any] = {
        "lang": "py", "task": task, "id": name, "shadow": None, "eta": None, "expires": None, "group": None,
        "group_index": None, "retries": 0, "timelimit": [None, None], "root_id": name, "parent_id": None,
        "argsrepr": repr(args), "kwargsrepr": "{}", "origin": "gen7@older", "ignore_result": True,
        "replaced_task_nesting": 0, "stamped_headers": None, "stamps": {},
    }  # fmt: skip
    properties = {
        "correlation_id": name, "reply_to": str(uuid.uuid4()), "delivery_mode": 2, "priority": 0,
        "delivery_info": {"exchange": "", "routing_key": queue}, "body_encoding": "base64",
        "delivery_tag": str(uuid.uuid4()),
    }  # fmt: skip
    encoded = base64.b64encode(body.encode()).decode()
    envelope = {"body": encoded, "content-encoding": "utf-8", "content-type": "application/json"}
    return json.dumps({**envelope, "headers": headers, "properties": properties})


@pytest.fixture
def older(tmp_path: Path) -> Path:
    """What the older version left behind: its data folder with database and uploads, and Redis' file with messages."""
    data_dir, images = tmp_path / "var", tmp_path / "images"
    images.mkdir()
    for seed in range(4):
        (images / f"{seed}.jpg").write_bytes(jpeg_bytes(seed=50 + seed))
    configured = {"DJANGO_SETTINGS_MODULE": "pneumodetect.settings", "PNEUMODETECT_DATA_DIR": str(data_dir)}
    command = [sys.executable, "-c", OLDER, PASSWORD, str(images), str(data_dir)]
    done = subprocess.run(command, cwd=ROOT, env=clean_environment() | configured, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rung = [int(line) for line in done.stdout.split()][:3]  # the fourth one's message was lost
    server = RedisServer(data_dir / "redis")
    with Redis.from_url(server.url) as redis:
        messages = [message("diagnosis.classify", pk) for pk in rung]
        messages += [message("diagnosis.classify", rung[0]), message("diagnosis.classify", 4711)]
        messages += [message("diagnosis.make_preview", str(uuid.uuid4())), message("diagnosis.retired", "x", 5)]
        redis.lpush("celery", *messages)
    server.stop()
    return data_dir


def test_all_that_waited_is_answered_after_the_upgrade_and_unknown_tasks_are_counted(older: Path) -> None:
    platform = LivePlatform(older, PNEUMODETECT_DEMO_PASSWORD="").wait_until_ready()
    try:
        caller = Caller(platform.url, "demo", PASSWORD)
        assert becomes(lambda: {each["status"] for each in caller.radiographs()} == {"succeeded"}, 60), platform.logs()
        classifier = Classifier.load(BUNDLED_MODEL)
        for each in caller.radiographs():
            expected = classifier.classify(jpeg_bytes(seed=50 + int(each["filename"][0])))
            assert each["prediction"]["probability"] == pytest.approx(expected.probability)
        with Redis.from_url(platform.redis_url()) as redis:
            assert becomes(lambda: redis.hget("diagnosis.metrics", "dropped_messages") == b"1")
            assert redis.llen("celery") == 0
        assert "diagnosis.retired" in (older / "logs" / "worker.log").read_text()
        assert len(platform.worker_pids()) == 3
    finally:
        platform.stop()


def test_the_messages_tried_here_are_those_that_this_version_writes(redis_process: RedisServer) -> None:
    """What this version writes is what the next one will find."""
    code = "import django; django.setup(); from diagnosis import tasks; assert tasks.ring(5)"
    configured = {"DJANGO_SETTINGS_MODULE": "pneumodetect.settings", "REDIS_URL": redis_process.url}
    command = [sys.executable, "-c", f"import pneumodetect; {code}"]
    subprocess.run(command, cwd=ROOT, env=clean_environment() | configured, check=True)
    with Redis.from_url(redis_process.url) as redis:
        written = json.loads(redis.lpop("celery") or b"{}")
    tried = json.loads(message("diagnosis.classify", 5))
    assert written.keys() == tried.keys()
    assert base64.b64decode(written["body"]) == base64.b64decode(tried["body"])
    assert tried["headers"].keys() == written["headers"].keys()
    assert tried["properties"].keys() == written["properties"].keys()
