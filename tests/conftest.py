"""Fixtures that more than one room's tests use. Nothing here needs Redis; tests/live.py has the real services."""

from __future__ import annotations

import importlib
import os
import shutil
from pathlib import Path

# Numerical libraries take all cores for each small product, and where something else runs beside, their threads wait
# for one another at full load: fitting a gate took 36 times the processor time. Read when the libraries are loaded.
os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1", TF_NUM_INTRAOP_THREADS="1")

import pytest
from celery import current_app
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import connections
from django.utils import translation
from pytest_django import DjangoDbBlocker
from pytest_django.fixtures import Settings

from diagnosis import notices
from diagnosis.engine.artifact import ModelCard, read_artifact
from diagnosis.models import ModelVersion
from tests.factories import make_user
from tests.live import live_platform
from tests.real_redis import real_redis, redis_process
from tests.sharing import pytest_collection_modifyitems, pytest_xdist_make_scheduler

__all__ = [
    "live_platform", "pytest_collection_modifyitems", "pytest_xdist_make_scheduler", "real_redis", "redis_process",
]  # fmt: skip

# The doorbell of these tests rings nowhere: nothing listens at this port, whatever runs on the machine.
current_app.conf.broker_url = "redis://127.0.0.1:1/0"

BUNDLED_MODEL = Path(__file__).parent.parent / "diagnosis" / "bundled_model"


@pytest.fixture(autouse=True)
def _own_folders(settings: Settings, tmp_path: Path) -> None:
    """Keep what a test writes apart from everything else, and let it need no Redis and no compiled static files."""
    settings.MEDIA_ROOT = tmp_path / "uploads"
    settings.MODELS_DIR = tmp_path / "models"
    settings.FILE_UPLOAD_TEMP_DIR = tmp_path / "incoming"
    settings.FILE_UPLOAD_TEMP_DIR.mkdir()
    settings.CACHES = {
        alias: {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"} for alias in ("default", "redis")
    }
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    translation.deactivate()  # the language of the last request
    cache.clear()
    notices.forget()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings: None, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep the tests' database in a file, as the platform does.

    Of one in memory, threads lock whole tables, and nobody waits for them.
    """
    database = connections.databases["default"]
    if database["ENGINE"].endswith("sqlite3"):
        database["TEST"]["NAME"] = str(tmp_path_factory.mktemp("database") / "test.sqlite3")
        database["OPTIONS"]["init_command"] += "PRAGMA synchronous=OFF;"  # no test cuts the power


@pytest.fixture
def redis_is_away(settings: Settings) -> None:
    """Use the platform's own caches, with nothing listening where Redis should."""
    caches = importlib.import_module(os.environ["DJANGO_SETTINGS_MODULE"]).CACHES
    settings.CACHES = {
        alias: {**cache, "LOCATION": "redis://127.0.0.1:1/0"} if "redis" in cache["BACKEND"] else cache
        for alias, cache in caches.items()
    }


@pytest.fixture
def alice(db: DjangoDbBlocker) -> User:
    return make_user("alice")


@pytest.fixture
def bob(db: DjangoDbBlocker) -> User:
    return make_user("bob")


@pytest.fixture
def charlie(db: DjangoDbBlocker) -> User:
    """The administrator."""
    return make_user("charlie", is_staff=True, is_superuser=True)


@pytest.fixture(scope="session")
def bundled_card() -> ModelCard:
    return read_artifact(BUNDLED_MODEL).card


@pytest.fixture
def version(db: DjangoDbBlocker, settings: Settings, bundled_card: ModelCard) -> ModelVersion:
    """The bundled model, as publishing and activating it leave it, without the probes that these take."""
    shutil.copytree(BUNDLED_MODEL, Path(settings.MODELS_DIR) / bundled_card.version)
    facts = {"network_sha256": bundled_card.network_sha256, "card": bundled_card.as_dict()}
    published: ModelVersion = ModelVersion.objects.create(version=bundled_card.version, **facts)
    published.activate()
    return published


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[int | None]:
    """Collect the ids for which the doorbell rings, instead of ringing it."""
    ids: list[int | None] = []

    def ring(pk: int | None, **_: object) -> bool:
        ids.append(pk)
        return True

    monkeypatch.setattr("diagnosis.tasks.ring", ring)
    return ids


@pytest.fixture(scope="session")
def chest_xray_dir() -> Path:
    """The folder of real radiographs, in the Kaggle layout."""
    folder = os.environ.get("CHEST_XRAY_DIR")
    if not folder:
        pytest.skip("CHEST_XRAY_DIR is not set: there are no real radiographs to test with")
    return Path(folder)
