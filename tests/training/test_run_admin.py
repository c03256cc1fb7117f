"""The administrator starts, watches, stops and publishes training runs; nobody else sees them."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from diagnosis.models import ModelVersion
from tests.conftest import BUNDLED_MODEL
from tests.factories import artifact_named
from training.config import RECIPES
from training.models import TrainingRun

LIST = "/admin/training/trainingrun/"
Status = TrainingRun.Status


@pytest.fixture(autouse=True)
def _own_folder(settings: Settings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path / "var"
    settings.TRAINING_DATA_DIR = tmp_path / "data"
    for name in ("ours/train/NORMAL", "ours/train/PNEUMONIA", "nih", "empty", ".hidden/NORMAL", ".hidden/PNEUMONIA"):
        (settings.TRAINING_DATA_DIR / name).mkdir(parents=True)
    (settings.TRAINING_DATA_DIR / "nih" / "labels.csv").touch()
    (settings.TRAINING_DATA_DIR / "imagenet.npz").touch()


@pytest.fixture
def admin(charlie: User) -> Client:
    client = Client()
    client.force_login(charlie)
    return client


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[int | None]:
    ids: list[int | None] = []
    monkeypatch.setattr("training.tasks.ring", lambda pk, **_: ids.append(pk))
    return ids


def finished(**facts: Any) -> TrainingRun:
    """Return a run whose artifact is the bundled model."""
    now = timezone.now()
    run = TrainingRun.objects.create(
        data="ours/train", status=Status.SUCCEEDED, started_at=now, finished_at=now + timedelta(minutes=87), **facts
    )
    run.folder.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(BUNDLED_MODEL, run.folder)
    return run


def staff_with(user: User, *permissions: str) -> Client:
    user.is_staff = True
    user.save()
    user.user_permissions.add(*Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


def test_a_run_that_is_started_waits_and_its_bell_is_rung(
    admin: Client, charlie: User, rung: list[int | None], django_capture_on_commit_callbacks: Any
) -> None:
    chosen = {"recipe": "default", "data": "ours/train", "epochs": "3", "seed": "0", "accelerator": "gpu"}
    with django_capture_on_commit_callbacks(execute=True):
        page = admin.post(f"{LIST}add/", {**chosen, "imagenet_weights": "imagenet.npz"}, follow=True)
    run = TrainingRun.objects.get()
    assert (run.data, run.epochs, run.seed, run.accelerator) == ("ours/train", 3, 0, "gpu")
    assert (run.status, run.started_by, run.imagenet_weights) == (Status.PENDING, charlie, "imagenet.npz")
    assert rung == [run.pk]
    assert page.redirect_chain[-1][0] == f"{LIST}{run.pk}/change/"
    assert "celery -A pneumodetect worker -Q training" in page.content.decode(), "no such worker is alive"


def test_the_form_offers_the_recipes_and_the_folders_that_hold_training_data(admin: Client) -> None:
    form = admin.get(f"{LIST}add/").context["adminform"].form
    choices = {name: [value for value, _ in form.fields[name].choices] for name in ("recipe", "data")}
    assert choices == {"recipe": list(RECIPES), "data": ["nih", "ours/train"]}
    assert [value for value, _ in form.fields["imagenet_weights"].choices] == ["", "imagenet.npz"]


@pytest.mark.parametrize(
    ("field", "value"), [("data", "../../etc"), ("data", "empty"), ("recipe", "nonsense"), ("epochs", "0")]
)
def test_what_is_not_offered_is_not_taken(admin: Client, rung: list[int | None], field: str, value: str) -> None:
    chosen = {"recipe": "default", "data": "nih", "accelerator": "auto", field: value}
    page = admin.post(f"{LIST}add/", chosen)
    assert page.status_code == 200
    assert field in page.context["adminform"].form.errors
    assert not TrainingRun.objects.exists()


def test_without_the_setting_no_run_can_be_started_and_the_list_says_why(admin: Client, settings: Settings) -> None:
    settings.TRAINING_DATA_DIR = None
    assert admin.get(f"{LIST}add/").status_code == 403
    assert "PNEUMODETECT_TRAINING_DATA_DIR is not set" in admin.get(LIST).content.decode()


def test_the_list_shows_what_became_of_each_run(admin: Client) -> None:
    finished(metrics={"validation": {"auroc": {"value": 0.9876}}})
    TrainingRun.objects.create(data="nih", history=[{"epoch": 1, "clean_auroc": 0.75}])
    page = admin.get(LIST).content.decode()
    assert all(text in page for text in ("0.9876", "0.7500", "1:27:00", "Succeeded", "Pending"))


def test_the_page_of_a_run_shows_progress_curves_and_the_end_of_its_log(admin: Client) -> None:
    history = [{"epoch": epoch, "loss": 1 / epoch, "clean_auroc": 0.9} for epoch in (1, 2, 3)]
    progress = {"epoch": 4, "epochs": 9, "step": 5, "steps": 20, "loss": 0.25, "auroc": None, "seconds_left": 600}
    run = TrainingRun.objects.create(
        data="nih", status=Status.RUNNING, started_at=timezone.now(), history=history, progress=progress, log="a < b"
    )
    for address in ("change", "live"):
        page = admin.get(f"{LIST}{run.pk}/{address}/").content.decode()
        assert "Epoch 4 of 9, step 5 of 20" in page
        assert "loss 0.2500" in page
        assert "about 10\N{NO-BREAK SPACE}min left" in page
        assert "Loss after epoch 3: training 0.3333" in page
        assert "a &lt; b" in page
        assert ">Stop<" in page
        assert "data-final" not in page


def test_a_run_whose_worker_is_gone_says_that_it_will_go_on(admin: Client) -> None:
    run = TrainingRun.objects.create(data="nih", status=Status.RUNNING, lease_until=timezone.now())
    assert "worker is not heard any more" in admin.get(f"{LIST}{run.pk}/live/").content.decode()


def test_a_run_is_stopped_and_goes_on_at_the_press_of_a_button(
    admin: Client, rung: list[int | None], django_capture_on_commit_callbacks: Any
) -> None:
    run = TrainingRun.objects.create(data="nih", status=Status.RUNNING)
    admin.post(f"{LIST}{run.pk}/stop/")
    run.refresh_from_db()
    assert (run.status, run.reason) == (Status.FAILED, "Stopped by charlie.")
    page = admin.post(f"{LIST}{run.pk}/stop/", follow=True).content.decode()
    assert "has ended already" in page
    assert "Go on where it was" in page
    with django_capture_on_commit_callbacks(execute=True):
        admin.post(f"{LIST}{run.pk}/go-on/")
    run.refresh_from_db()
    assert (run.status, run.reason, rung) == (Status.PENDING, "", [run.pk])
    assert "goes on; run" in admin.post(f"{LIST}{run.pk}/go-on/", follow=True).content.decode()


def test_a_finished_run_is_published_and_its_row_names_the_version(admin: Client) -> None:
    run = finished()
    admin.post(f"{LIST}{run.pk}/publish/")
    run.refresh_from_db()
    version = ModelVersion.objects.get()
    assert run.version == version
    assert not version.active
    admin.post(f"{LIST}{run.pk}/publish/", {"activate": "yes"})
    version.refresh_from_db()
    assert version.active


def test_an_artifact_that_does_not_prove_itself_is_not_published(admin: Client) -> None:
    run = finished()
    (run.folder / "network.tflite").write_bytes(b"rubbish")
    page = admin.post(f"{LIST}{run.pk}/publish/", follow=True).content.decode()
    assert "hash differs" in page
    assert not ModelVersion.objects.exists()
    unfinished = TrainingRun.objects.create(data="nih")
    page = admin.post(f"{LIST}{unfinished.pk}/publish/", follow=True).content.decode()
    assert "Only a run that has succeeded can be published" in page


def test_an_artifact_of_another_preprocessing_is_not_published(admin: Client, tmp_path: Path) -> None:
    run = finished()
    shutil.rmtree(run.folder)
    artifact_named("old", tmp_path, preprocessing_version=0).rename(run.folder)
    page = admin.post(f"{LIST}{run.pk}/publish/", follow=True).content.decode()
    assert "preprocessing version 0" in page
    assert not ModelVersion.objects.exists()


def test_of_the_folder_only_the_known_pictures_are_shown(admin: Client) -> None:
    run = finished()
    (run.folder / "roc.png").write_bytes(b"a picture")
    page = admin.get(f"{LIST}{run.pk}/change/").content.decode()
    assert f"{LIST}{run.pk}/pictures/roc.png" in page
    assert "reliability.png" not in page
    picture = admin.get(f"{LIST}{run.pk}/pictures/roc.png")
    assert b"".join(picture.streaming_content) == b"a picture"  # type: ignore[attr-defined]
    assert picture["Content-Type"] == "image/png"
    run.log_file.write_text("secret")
    for name in ("reliability.png", "card.json", "network.tflite"):
        assert admin.get(f"{LIST}{run.pk}/pictures/{name}").status_code == 404
    for name in (f"..%2F{run.log_file.name}", f"../{run.log_file.name}"):
        assert not admin.get(f"{LIST}{run.pk}/pictures/{name}", follow=True).streaming


def test_who_is_no_staff_sees_nothing(alice: User) -> None:
    run = finished()
    (run.folder / "roc.png").write_bytes(b"a picture")
    client = Client()
    client.force_login(alice)
    for address in ("", "add/", *(f"{run.pk}/{part}" for part in ("change/", "live/", "pictures/roc.png"))):
        assert client.get(LIST + address).status_code == 302, address
    for action in ("stop", "go-on", "publish"):
        assert client.post(f"{LIST}{run.pk}/{action}/").status_code == 302
    assert not ModelVersion.objects.exists()


def test_staff_without_the_right_may_not(alice: User) -> None:
    run = finished()
    client = staff_with(alice)
    for part in ("change/", "live/", "pictures/roc.png"):
        assert client.get(f"{LIST}{run.pk}/{part}").status_code == 403
    client = staff_with(alice, "view_trainingrun")
    page = client.get(f"{LIST}{run.pk}/change/")
    assert page.status_code == 200
    assert ">Publish<" not in page.content.decode()
    for action in ("stop", "go-on", "publish"):
        assert client.post(f"{LIST}{run.pk}/{action}/").status_code == 403


def test_publishing_and_activating_are_rights_of_their_own(alice: User) -> None:
    run = finished()
    client = staff_with(alice, "view_trainingrun", "change_trainingrun")
    assert client.post(f"{LIST}{run.pk}/publish/").status_code == 403
    client = staff_with(alice, "add_modelversion")
    assert "Publish and activate" not in client.get(f"{LIST}{run.pk}/change/").content.decode()
    assert client.post(f"{LIST}{run.pk}/publish/", {"activate": "yes"}).status_code == 403
    assert not ModelVersion.objects.exists()
    assert client.post(f"{LIST}{run.pk}/publish/").status_code == 302
    assert ModelVersion.objects.exists()


def test_no_run_is_edited_deleted_or_steered_by_a_link(admin: Client) -> None:
    run = finished()
    assert admin.post(f"{LIST}{run.pk}/change/", {"recipe": "other"}).status_code == 403
    assert admin.post(f"{LIST}{run.pk}/delete/", {"post": "yes"}).status_code == 403
    for action in ("stop", "go-on", "publish"):
        assert admin.get(f"{LIST}{run.pk}/{action}/").status_code == 405
