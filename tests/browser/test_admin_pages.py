"""The admin pages that are the platform's own, for everybody. What Django itself draws around them is Django's."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.utils import timezone
from pytest_django.fixtures import Settings

from diagnosis import publishing
from diagnosis.administration import examining
from diagnosis.administration.examining import Examined
from diagnosis.doctor.findings import problem, warning
from diagnosis.models import Drift, ModelVersion, Review, ShadowPrediction
from tests.browser.accessibility import SCHEMES, WIDTHS, violations
from tests.browser.test_every_page import log_in, photograph
from tests.browser.watching import Watch
from tests.conftest import BUNDLED_MODEL
from tests.diagnosis.retention import old, rule
from tests.drawings import png_bytes
from tests.factories import artifact_named, make_radiograph, make_user, succeeded
from training.admin import PICTURES
from training.models import TrainingRun

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import BrowserContext

pytestmark = pytest.mark.django_db(transaction=True)

#: What axe-core finds fault with, and what no template of this project draws: links without a line under them in the
#: trail, and the grey of lists and their filters in the dark.
DJANGOS_OWN = (".breadcrumbs", "#changelist")
Status = TrainingRun.Status
HISTORY = [{"epoch": epoch, "loss": 1 / epoch, "clean_auroc": 0.9} for epoch in (1, 2, 3)]
PROGRESS = {"epoch": 4, "epochs": 9, "step": 5, "steps": 20, "loss": 0.25, "auroc": None, "seconds_left": 600}


@pytest.fixture(autouse=True)
def _own_folder(settings: Settings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path / "var"
    settings.TRAINING_DATA_DIR = tmp_path / "data"
    for label in ("NORMAL", "PNEUMONIA"):
        (settings.TRAINING_DATA_DIR / "ours" / "train" / label).mkdir(parents=True)


def _run(**facts: Any) -> str:
    now = timezone.now()
    times = {"started_at": now - timedelta(minutes=5), "lease_until": now + timedelta(hours=1)}
    run = TrainingRun.objects.create(data="ours/train", log="Epoch 3: loss 0.3333", **{**times, **facts})
    if run.status == Status.SUCCEEDED:
        run.folder.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(BUNDLED_MODEL, run.folder)
        for name in PICTURES:
            (run.folder / name).write_bytes(png_bytes())
    return f"training/trainingrun/{run.pk}/change/"


def _newer(version: ModelVersion, folder: Path) -> ModelVersion:
    return publishing.activate(publishing.publish(artifact_named("newer", folder))[0].version)


def _roll_back(version: ModelVersion, folder: Path) -> str:
    _newer(version, folder)
    return "diagnosis/modelversion/"


def _activate(version: ModelVersion, folder: Path) -> str:
    _newer(version, folder)
    return f"diagnosis/modelversion/{version.pk}/activate/"


def _published(version: ModelVersion) -> ModelVersion:
    return ModelVersion.objects.create(version="silent", network_sha256="1" * 64, card=version.card)


def _silent(version: ModelVersion, folder: Path) -> str:
    silent = _published(version)
    silent.answer_silently()
    for number, (said, silently) in enumerate(((0.9, 0.8), (0.1, 0.95), (0.3, 0.2), (0.7, 0.1), (0.95, 0.97))):
        radiograph = make_radiograph(
            make_user(f"user{number}"), filename="thorax 0815.jpg", **succeeded(version, said)
        )
        facts = {"radiograph": radiograph, "beside": radiograph.prediction, "active_version": version}
        answer = ShadowPrediction.objects.create(**facts, **succeeded(silent, silently))
        ShadowPrediction.objects.filter(pk=answer.pk).compare(answer)
    return f"diagnosis/modelversion/{silent.pk}/silent/"


def _dashboard(version: ModelVersion, folder: Path) -> str:
    owner = make_user("owner")
    for number, facts in enumerate((succeeded(version), succeeded(version, 0.1), {}, _refused())):
        radiograph = make_radiograph(owner, filename=f"{number}.jpg", **facts)
        Review.objects.create(radiograph=radiograph, label="NORMAL", prediction=radiograph.prediction)
    Drift.objects.create(model_version=version, is_large=True, findings=[{"what": "age", "is_large": True}])
    examined = Examined(
        timezone.now(), [("clock", problem("The clock is wrong.", "Set it.")), ("disk", warning("x", ""))]
    )
    cache.set(examining.KEY, examined)
    return ""


def _refused() -> dict[str, Any]:
    return {"status": "refused", "reason_code": "rotated", "finished_at": timezone.now()}


def _dry_run(version: ModelVersion, _: Path) -> str:
    old(make_user("alice"), version)
    return f"diagnosis/retentionrule/{rule(is_on=False).pk}/dry-run/"


PAGES: dict[str, Callable[[ModelVersion, Path], str]] = {
    "admin-dashboard": _dashboard,
    "admin-dashboard-empty": lambda *_: "",
    "admin-version-publish": lambda *_: "diagnosis/modelversion/publish/",
    "admin-run-new": lambda *_: "training/trainingrun/add/",
    "admin-run-waiting": lambda *_: _run(started_at=None),
    "admin-run-running": lambda *_: _run(status=Status.RUNNING, history=HISTORY, progress=PROGRESS),
    "admin-run-failed": lambda *_: _run(status=Status.FAILED, reason="The disk is full.", history=HISTORY),
    "admin-run-succeeded": lambda *_: _run(
        status=Status.SUCCEEDED,
        finished_at=timezone.now(),
        history=HISTORY,
        metrics={"validation": {"auroc": {"value": 0.9876}}},
    ),
    "admin-runs": lambda *_: _run()[: -len("1/change/")],
    "admin-versions": _roll_back,
    "admin-version": lambda version, _: f"diagnosis/modelversion/{version.pk}/change/",
    "admin-version-activate": _activate,
    "admin-version-silent": _silent,
    "admin-rule-dry-run": _dry_run,
    "admin-version-silent-none": lambda version, _: f"diagnosis/modelversion/{_published(version).pk}/silent/",
}


@pytest.mark.parametrize("name", PAGES)
def test_every_admin_page_of_ours_is_for_everybody(
    name: str,
    charlie: User,
    version: ModelVersion,
    browser_context: BrowserContext,
    live_server: Any,
    tmp_path: Path,
) -> None:
    path = PAGES[name](version, tmp_path)
    log_in(browser_context, charlie, live_server.url)
    page = browser_context.new_page()
    watch = Watch(page, live_server.url)
    answer = page.goto(f"/admin/{path}")
    assert answer
    assert answer.status == 200
    page.wait_for_load_state("load")
    found = []
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        page.wait_for_timeout(300)  # Django's links change their colour within 150 ms
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            found += violations(page, DJANGOS_OWN)
    photograph(page, name)
    assert found == []
    assert watch.wrong == []
