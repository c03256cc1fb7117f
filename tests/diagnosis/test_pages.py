"""What a person sees in the browser: upload, result, history, delete."""

from __future__ import annotations

import errno
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape
from pytest_django.fixtures import Settings

from diagnosis import worker
from diagnosis.models import ModelVersion, Prediction, Radiograph
from diagnosis.views import PAGE_SIZE
from tests.drawings import damaged_png_bytes, image_bytes, jpeg_bytes, png_bytes, png_that_claims
from tests.factories import PASSWORD, make_radiograph, succeeded, upload

pytestmark = pytest.mark.usefixtures("rung")

HTMX = {"HX-Request": "true"}
PARTS = ["radiograph", "status", "image", "delete"]


def browser_of(user: User, **options: Any) -> Client:
    client = Client(**options)
    assert client.login(username=user.username, password=PASSWORD)
    return client


def words(response: Any) -> str:
    """Return the page with each run of white space, no-break spaces included, as one space."""
    return " ".join(response.content.decode().split())


def files_under(folder: Any) -> list[Path]:
    return [path for path in Path(folder).rglob("*") if path.is_file()]


def page_of(radiograph: Radiograph, part: str = "radiograph") -> str:
    return reverse(f"diagnosis:{part}", args=[radiograph.pk])


@pytest.mark.parametrize("path", ["/", "/radiographs/", "/radiographs/outcomes/"])
def test_a_stranger_is_led_to_the_login_page_and_back(db: Any, path: str) -> None:
    answer = Client().get(path)
    assert answer.status_code == 302
    assert answer["Location"] == f"/accounts/login/?next={path}"


@pytest.mark.parametrize("part", PARTS)
def test_the_pages_of_a_radiograph_need_a_login(alice: User, part: str) -> None:
    radiograph = make_radiograph(alice)
    assert Client().get(page_of(radiograph, part))["Location"].startswith("/accounts/login/")


def test_whoever_was_logged_out_meanwhile_is_told_so_in_place(alice: User) -> None:
    for answer in (
        Client().get(page_of(make_radiograph(alice), "status"), headers=HTMX),
        Client().post("/", {"file": upload()}, headers=HTMX),
    ):
        assert answer.status_code == 401
        assert "You are logged out" in words(answer)
        assert "<html" not in words(answer)
    assert Radiograph.objects.count() == 1


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("headers", [{}, HTMX])
def test_someone_elses_radiograph_does_not_exist(alice: User, bob: User, part: str, headers: Any) -> None:
    radiograph = make_radiograph(alice)
    answer = browser_of(bob).get(page_of(radiograph, part), headers=headers)
    assert answer.status_code == 404
    assert "There is nothing at this address" in words(answer)


def test_nobody_deletes_someone_elses_radiograph(alice: User, bob: User, settings: Settings) -> None:
    radiograph = make_radiograph(alice)
    assert browser_of(bob).post(page_of(radiograph, "delete")).status_code == 404
    assert Radiograph.objects.filter(pk=radiograph.pk).exists()
    assert len(files_under(settings.MEDIA_ROOT)) == 1


def test_not_even_the_administrator_sees_it_in_the_portal(alice: User, charlie: User) -> None:
    assert browser_of(charlie).get(page_of(make_radiograph(alice))).status_code == 404


def test_an_id_that_never_was_is_404(alice: User) -> None:
    assert browser_of(alice).get(f"/radiographs/{uuid.uuid4()}/").status_code == 404
    assert browser_of(alice).get("/radiographs/1/").status_code == 404


def test_the_upload_page_says_what_it_takes_before_anything_is_chosen(alice: User, version: ModelVersion) -> None:
    page = words(browser_of(alice).get("/"))
    assert "JPEG, PNG, WebP or TIFF · up to 25 MB" in page
    assert version.version in page
    assert "Not a diagnosis and not a medical device" in page


def test_the_upload_page_says_when_there_is_no_model_to_read_with(alice: User) -> None:
    assert "No model is published yet." in words(browser_of(alice).get("/"))


def test_an_upload_without_javascript_leads_to_its_result(
    alice: User, rung: list[int], django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        answer = browser_of(alice).post("/", {"file": upload("thorax.png", png_bytes())})
    radiograph = Radiograph.objects.get()
    assert answer.status_code == 302
    assert answer["Location"] == page_of(radiograph)
    assert (radiograph.owner, radiograph.filename, radiograph.format) == (alice, "thorax.png", "PNG")
    assert rung == [radiograph.prediction.pk]


def test_an_upload_with_htmx_leads_to_its_result(alice: User) -> None:
    answer = browser_of(alice).post("/", {"file": upload()}, headers=HTMX)
    assert answer.status_code == 200
    assert answer["HX-Redirect"] == page_of(Radiograph.objects.get())


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_each_format_is_taken(alice: User, kind: str) -> None:
    assert browser_of(alice).post("/", {"file": upload("chest", image_bytes(kind))}).status_code == 302
    assert Radiograph.objects.get().format == kind


BAD_UPLOADS = {
    "empty": ("empty.jpg", b"", 400, "The file is empty."),
    "text named .png": (
        "notes.png",
        b"This is no image at all.",
        400,
        "The file is named .png, but its content is no",
    ),
    "text": ("notes.txt", b"This is no image at all.", 415, "The file is no image that can be read here."),
    "PDF": ("report.pdf", b"%PDF-1.7 and so on", 415, "The file is a PDF document."),
    "truncated JPEG": ("chest.jpg", jpeg_bytes()[:4000], 400, "The JPEG file is cut off"),
    "truncated PNG": ("chest.png", png_bytes()[:4000], 400, "The PNG file is cut off"),
    "pixel bomb": (
        "bomb.png",
        png_that_claims(30_000, 30_000),
        400,
        "The image has more pixels than can be classified",
    ),
}


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "htmx"])
@pytest.mark.parametrize("case", BAD_UPLOADS)
def test_bad_input_gets_a_clear_sentence_and_nothing_is_stored(
    alice: User, settings: Settings, case: str, headers: Any
) -> None:
    name, data, status, sentence = BAD_UPLOADS[case]
    answer = browser_of(alice).post("/", {"file": upload(name, data)}, headers=headers)
    assert answer.status_code == status
    assert escape(sentence) in words(answer)
    assert ("<html" in words(answer)) is (not headers)
    assert_nothing_is_stored(settings)


def assert_nothing_is_stored(settings: Settings) -> None:
    assert not Radiograph.objects.exists()
    assert not Prediction.objects.exists()
    assert not files_under(settings.MEDIA_ROOT)
    assert not files_under(str(settings.FILE_UPLOAD_TEMP_DIR))


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "htmx"])
@pytest.mark.parametrize("size", [1024**2 + 1, 3 * 1024**2])
def test_a_file_over_the_limit_is_413(alice: User, settings: Settings, headers: Any, size: int) -> None:
    settings.MAX_UPLOAD_BYTES = 1024**2
    data = jpeg_bytes().ljust(size, b"\0")
    answer = browser_of(alice).post("/", {"file": upload("chest.jpg", data)}, headers=headers)
    assert answer.status_code == 413
    assert "larger than the 1 MB that are taken" in words(answer)
    assert_nothing_is_stored(settings)


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "htmx"])
def test_a_form_without_a_file_says_so(alice: User, settings: Settings, headers: Any) -> None:
    answer = browser_of(alice).post("/", headers=headers)
    assert answer.status_code == 400
    assert "No file arrived." in words(answer)
    assert_nothing_is_stored(settings)


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "htmx"])
def test_a_form_without_its_csrf_token_is_403_and_stores_nothing(
    alice: User, settings: Settings, headers: Any
) -> None:
    answer = browser_of(alice, enforce_csrf_checks=True).post("/", {"file": upload()}, headers=headers)
    assert answer.status_code == 403
    assert "The form has expired" in words(answer)
    assert_nothing_is_stored(settings)


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "htmx"])
def test_a_body_that_ends_too_early_is_400(alice: User, settings: Settings, headers: Any) -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n' + jpeg_bytes()
    answer = browser_of(alice).post("/", body, content_type="multipart/form-data; boundary=x", headers=headers)
    assert answer.status_code == 400
    assert "The upload was cut off before its end" in words(answer)
    assert_nothing_is_stored(settings)


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "htmx"])
def test_a_body_that_is_no_form_is_400_in_words_for_people(alice: User, settings: Settings, headers: Any) -> None:
    kind = "multipart/form-data; boundary="
    answer = browser_of(alice).post("/", jpeg_bytes(), content_type=kind, headers=headers)
    assert answer.status_code == 400
    assert "Send one file, with its name" in words(answer)
    assert_nothing_is_stored(settings)


def test_a_full_disk_is_507_and_says_so(alice: User, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def fill(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("diagnosis.views.submit", fill)
    client = browser_of(alice)
    client.raise_request_exception = False
    answer = client.post("/", {"file": upload()}, headers=HTMX)
    assert answer.status_code == 507
    assert "disk is full, so nothing was stored" in words(answer)
    assert_nothing_is_stored(settings)


def test_a_fault_of_ours_is_a_page_that_needs_neither_user_nor_database(
    alice: User, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    monkeypatch.setattr("diagnosis.views.page_of", lambda *_, **__: 1 / 0)
    client = browser_of(alice)
    client.raise_request_exception = False
    with django_assert_num_queries(2):  # session and user, before the fault
        answer = client.get("/radiographs/")
    assert answer.status_code == 500
    assert "Something went wrong here" in words(answer)
    assert "Log out" not in words(answer)
    assert "Not a diagnosis" in words(answer)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd.jpg", "passwd.jpg"),
        ("C:\\scans\\chest.jpg", "chest.jpg"),
        ("🫁 Thorax ü.jpg", "🫁 Thorax ü.jpg"),
        ('"><script>alert(1)</script>.jpg', "script>.jpg"),
    ],
)
def test_strange_file_names_are_kept_as_text_and_never_reach_the_disk(
    alice: User, settings: Settings, given: str, kept: str
) -> None:
    client = browser_of(alice)
    response = client.post("/", {"file": upload(given)})
    radiograph = Radiograph.objects.get()
    assert radiograph.filename == kept
    assert escape(kept) in words(client.get(response["Location"]))
    assert [path.stem for path in files_under(settings.MEDIA_ROOT)] == [str(radiograph.pk)]


def test_a_name_that_is_markup_is_shown_as_text(alice: User) -> None:
    radiograph = make_radiograph(alice, filename="<img src=x onerror=alert(1)>.jpg")
    for path in (page_of(radiograph), "/radiographs/", page_of(radiograph, "delete")):
        page = words(browser_of(alice).get(path))
        assert "&lt;img src=x" in page
        assert "<img src=x" not in page


@pytest.mark.parametrize(
    ("probability", "band", "heading"),
    [
        (0.94, "likely", "Pneumonia likely, 94 %"),
        (0.06, "unlikely", "Pneumonia unlikely, 6 %"),
        (0.47, "uncertain", "Uncertain, 47 %"),
        (0.9996, "likely", "Pneumonia likely, over 99 %"),
        (0.0004, "unlikely", "Pneumonia unlikely, under 1 %"),
    ],
)
def test_the_result_is_said_in_plain_words(
    alice: User, version: ModelVersion, probability: float, band: str, heading: str
) -> None:
    facts = succeeded(version, probability) | {"band": band}
    radiograph = make_radiograph(alice, **facts)
    page = words(browser_of(alice).get(page_of(radiograph)))
    assert heading in page.replace('<span class="number">', "").replace("</span>", "")
    assert "threshold 41 %" in page
    assert version.version in page
    assert facts["label"] in page
    assert "320 × 256 pixels" in page
    assert "Not a diagnosis and not a medical device" in page
    assert "every" not in page  # it no longer asks


def test_the_scale_shows_probability_threshold_and_band_where_the_card_has_them(
    alice: User, version: ModelVersion
) -> None:
    radiograph = make_radiograph(alice, **succeeded(version, 0.94))
    page = words(browser_of(alice).get(page_of(radiograph)))
    assert 'cx="94.00%"' in page
    assert 'x1="41.00%"' in page
    low, high = version.card["band_low"], version.card["band_high"]
    assert f'x="{low * 100:.2f}%" y="30" width="{(high - low) * 100:.2f}%"' in page


def test_times_say_how_long_it_waited_and_how_long_it_was_read(alice: User, version: ModelVersion) -> None:
    queued = timezone.now() - timedelta(minutes=1)
    facts = {"queued_at": queued, "started_at": queued + timedelta(seconds=21)}
    facts["finished_at"] = facts["started_at"] + timedelta(milliseconds=43)
    radiograph = make_radiograph(alice, **succeeded(version) | facts)
    page = words(browser_of(alice).get(page_of(radiograph)))
    assert "waited 21 s, read in 0.04 s" in page


@pytest.mark.parametrize(
    ("status", "heading"),
    [("refused", "This image was not read"), ("failed", "This image could not be read")],
)
def test_refused_and_failed_give_the_reason_and_what_to_do(
    alice: User, version: ModelVersion, status: str, heading: str
) -> None:
    made_by = version if status == "refused" else None
    radiograph = make_radiograph(alice, status=status, model_version=made_by, reason="It is a cat.")
    page = words(browser_of(alice).get(page_of(radiograph)))
    assert heading in page
    assert "It is a cat." in page
    assert "every" not in page


def test_an_image_that_gave_up_before_it_was_ever_started_has_a_page(alice: User) -> None:
    radiograph = make_radiograph(alice, status="failed", reason="It never came to an end.")
    assert "It never came to an end." in words(browser_of(alice).get(page_of(radiograph)))


@pytest.mark.parametrize(
    ("status", "heading"), [("pending", "The X-ray waits for its turn"), ("running", "The X-ray is being read")]
)
def test_while_it_waits_the_page_asks_by_itself(alice: User, status: str, heading: str) -> None:
    worker.report_alive()
    radiograph = make_radiograph(alice, status=status)
    page = words(browser_of(alice).get(page_of(radiograph)))
    assert heading in page
    assert 'hx-trigger="every 200ms"' in page
    assert '<noscript><meta http-equiv="refresh" content="2"></noscript>' in page


def test_without_a_worker_the_page_says_that_nobody_reads(alice: User) -> None:
    cache.delete(worker.ALIVE_KEY)
    page = words(browser_of(alice).get(page_of(make_radiograph(alice))))
    assert "Nobody is reading at the moment" in page
    assert "No worker answers. Your upload is safe and will be read as soon as one is back." in page


def test_the_fragment_is_empty_until_something_changes_and_then_final(alice: User, version: ModelVersion) -> None:
    worker.report_alive()
    client, radiograph = browser_of(alice), make_radiograph(alice)
    url = page_of(radiograph, "status")
    assert client.get(url, {"seen": "pending-1-200"}, headers=HTMX).status_code == 204
    assert "waits for its turn" in words(client.get(url, {"seen": "pending-0-200"}, headers=HTMX))
    radiograph.predictions.update(**succeeded(version))
    final = client.get(url, {"seen": "pending-1-200"}, headers=HTMX)
    assert "Pneumonia likely" in words(final)
    assert "hx-trigger" not in words(final)
    assert "<html" not in words(final)


@pytest.mark.parametrize(("seconds", "pause"), [(0, 200), (5, 500), (60, 2000), (600, 5000)])
def test_the_longer_it_waits_the_less_often_the_page_asks(alice: User, seconds: int, pause: int) -> None:
    radiograph = make_radiograph(alice, queued_at=timezone.now() - timedelta(seconds=seconds))
    assert f"every {pause}ms" in words(browser_of(alice).get(page_of(radiograph)))


def test_a_page_whose_radiograph_was_deleted_stops_asking(alice: User) -> None:
    client, radiograph = browser_of(alice), make_radiograph(alice)
    url = page_of(radiograph, "status")
    radiograph.delete()
    answer = client.get(url, headers=HTMX)
    assert answer.status_code == 404
    assert "There is nothing at this address" in words(answer)
    assert "hx-trigger" not in words(answer)


def test_the_image_is_the_file_as_it_was_uploaded(alice: User) -> None:
    data, client = jpeg_bytes(), browser_of(alice)
    client.post("/", {"file": upload("chest.jpg", data)})
    answer: Any = client.get(page_of(Radiograph.objects.get(), "image"))
    assert b"".join(answer.streaming_content) == data
    assert answer["Content-Type"] == "image/jpeg"
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer["Cache-Control"] == "private, no-cache"
    again = client.get(page_of(Radiograph.objects.get(), "image"), headers={"If-None-Match": answer["ETag"]})
    assert again.status_code == 304


def test_a_tiff_is_offered_as_a_download(alice: User) -> None:
    client = browser_of(alice)
    client.post("/", {"file": upload("chest.tif", image_bytes("TIFF"))})
    radiograph = Radiograph.objects.get()
    assert client.get(page_of(radiograph, "image"))["Content-Disposition"] == 'attachment; filename="chest.tif"'
    assert "Download the file" in words(client.get(page_of(radiograph)))


def test_an_image_whose_file_is_gone_is_404(alice: User) -> None:
    radiograph = make_radiograph(alice)
    radiograph.file.storage.delete(radiograph.file.name or "")
    assert browser_of(alice).get(page_of(radiograph, "image")).status_code == 404


def test_only_a_decoder_finds_this_damage_so_the_upload_is_taken(alice: User) -> None:
    assert browser_of(alice).post("/", {"file": upload("chest.png", damaged_png_bytes())}).status_code == 302


def test_deleting_asks_first(alice: User) -> None:
    client, radiograph = browser_of(alice), make_radiograph(alice)
    assert "Delete this X-ray?" in words(client.get(page_of(radiograph, "delete")))
    fragment = words(client.get(page_of(radiograph, "delete"), headers=HTMX))
    assert "Delete this X-ray?" in fragment
    assert "<html" not in fragment
    assert Radiograph.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_deleting_removes_rows_and_file_and_leads_back_to_where_one_was(alice: User, settings: Settings) -> None:
    client, radiograph = browser_of(alice), make_radiograph(alice, filename="chest.jpg")
    answer = client.post(f"{page_of(radiograph, 'delete')}?before=abc", follow=True)
    assert answer.redirect_chain == [("/radiographs/?before=abc", 302)]
    assert "“chest.jpg” and its result are deleted." in words(answer)
    assert_nothing_is_stored(settings)


def test_deleting_needs_its_csrf_token(alice: User) -> None:
    radiograph = make_radiograph(alice)
    client = browser_of(alice, enforce_csrf_checks=True)
    assert client.post(page_of(radiograph, "delete")).status_code == 403
    assert Radiograph.objects.exists()


def test_an_empty_history_leads_to_the_upload(alice: User) -> None:
    page = words(browser_of(alice).get("/radiographs/"))
    assert "No X-rays yet" in page
    assert "Upload the first one" in page


def test_the_history_is_paged_newest_first_and_only_ones_own(alice: User, bob: User) -> None:
    make_radiograph(bob, filename="of-bob.jpg")
    now = timezone.now()
    for age in range(PAGE_SIZE + 2):
        radiograph = make_radiograph(alice, filename=f"chest-{age:02}.jpg")
        Radiograph.objects.filter(pk=radiograph.pk).update(created=now - timedelta(minutes=age))
    client = browser_of(alice)
    first = client.get("/radiographs/")
    names = [radiograph.filename for radiograph in first.context["page"].radiographs]
    assert names == [f"chest-{age:02}.jpg" for age in range(PAGE_SIZE)]
    assert "of-bob.jpg" not in words(first)
    older = client.get("/radiographs/", {"before": first.context["page"].older})
    assert [radiograph.filename for radiograph in older.context["page"].radiographs] == [
        "chest-24.jpg",
        "chest-25.jpg",
    ]
    assert older.context["page"].older == ""
    assert "Back to the newest" in words(older)


def test_behind_the_end_of_the_history_there_is_nothing_older(alice: User) -> None:
    radiograph = make_radiograph(alice)
    mark = f"{(radiograph.created - timedelta(days=1)).isoformat()}_{radiograph.pk}"
    assert "Nothing older" in words(browser_of(alice).get("/radiographs/", {"before": mark}))


@pytest.mark.parametrize("mark", ["nonsense", "2024-01-01_x", "\0", "9" * 5000])
def test_a_mark_that_cannot_be_read_gives_the_first_page(alice: User, mark: str) -> None:
    make_radiograph(alice, filename="first.jpg")
    assert "first.jpg" in words(browser_of(alice).get("/radiographs/", {"before": mark}))


def test_the_history_takes_as_many_queries_for_twenty_rows_as_for_one(
    alice: User, version: ModelVersion, django_assert_max_num_queries: Any
) -> None:
    for _ in range(20):
        make_radiograph(alice, **succeeded(version))
    client = browser_of(alice)
    with django_assert_max_num_queries(5):
        client.get("/radiographs/")


@pytest.mark.parametrize(
    ("facts", "badge"),
    [
        ({"status": "pending"}, "Waiting"),
        ({"status": "running"}, "Being read"),
        ({"status": "refused"}, "Refused"),
        ({"status": "failed"}, "Could not be read"),
    ],
)
def test_each_state_has_its_words_in_the_history(alice: User, facts: dict[str, Any], badge: str) -> None:
    make_radiograph(alice, **facts)
    assert f">{badge}</span>" in words(browser_of(alice).get("/radiographs/"))


def test_an_outcome_has_its_words_in_the_history(alice: User, version: ModelVersion) -> None:
    make_radiograph(alice, **succeeded(version))
    assert "Pneumonia likely, 94 %" in words(browser_of(alice).get("/radiographs/"))


def test_rows_that_wait_bring_themselves_up_to_date(alice: User, bob: User, version: ModelVersion) -> None:
    waiting, soon_done, of_bob = make_radiograph(alice), make_radiograph(alice), make_radiograph(bob)
    client = browser_of(alice)
    page = words(client.get("/radiographs/"))
    assert f"outcomes/?poll=2000&amp;pk={soon_done.pk}&amp;pk={waiting.pk}" in page
    asked: dict[str, Any] = {"poll": 2000, "pk": [waiting.pk, soon_done.pk]}
    assert client.get("/radiographs/outcomes/", asked, headers=HTMX).status_code == 204
    soon_done.predictions.update(**succeeded(version))
    asked["pk"] = [waiting.pk, soon_done.pk, of_bob.pk, "no-id"]
    fragment = words(client.get("/radiographs/outcomes/", asked, headers=HTMX))
    assert f'id="outcome-{soon_done.pk}" hx-swap-oob="true"> <span class="badge badge-likely">' in fragment
    assert f"pk={waiting.pk}" in fragment
    assert f"pk={soon_done.pk}" not in fragment
    assert str(of_bob.pk) not in fragment


def test_a_history_in_which_all_is_final_does_not_ask(alice: User, version: ModelVersion) -> None:
    make_radiograph(alice, **succeeded(version))
    assert "hx-trigger" not in words(browser_of(alice).get("/radiographs/"))


def test_only_staff_is_offered_the_admin(alice: User, charlie: User) -> None:
    assert "/admin/" not in words(browser_of(alice).get("/"))
    assert "/admin/" in words(browser_of(charlie).get("/"))


def test_no_page_holds_a_script_a_style_or_a_handler_of_its_own(alice: User, version: ModelVersion) -> None:
    waiting, done = make_radiograph(alice), make_radiograph(alice, **succeeded(version))
    client = browser_of(alice)
    for path in ("/", "/radiographs/", page_of(waiting), page_of(done), page_of(done, "delete"), "/nowhere/"):
        page = words(client.get(path))
        assert " style=" not in page
        assert " onclick=" not in page
        assert "<style" not in page
        assert "<script>" not in page
        assert "https://" not in page


def test_pages_are_not_kept_by_the_browser_after_logging_out(alice: User) -> None:
    assert "no-store" in browser_of(alice).get("/radiographs/")["Cache-Control"]
