"""The result page: each outcome, waiting, the image, deleting."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.utils import timezone
from pytest_django.fixtures import Settings

from diagnosis import worker
from diagnosis.engine.sample import sample_sha256
from diagnosis.engine.suitability import Caution
from diagnosis.models import ModelVersion, Prediction, Radiograph
from tests.diagnosis.pages import HTMX, assert_nothing_is_stored, browser_of, page_of, words
from tests.drawings import jpeg_bytes
from tests.factories import make_radiograph, succeeded, upload

pytestmark = pytest.mark.usefixtures("rung")


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
    assert 'hx-trigger="every' not in page  # it no longer asks


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
    seen = "pending-1-200-Waiting, next in turn"
    assert client.get(url, {"seen": seen}, headers=HTMX).status_code == 204
    other = words(client.get(url, {"seen": "pending-0-200"}, headers=HTMX))
    assert "waits for its turn" in other
    assert '<span class="badge badge-waiting">Waiting, next in turn</span>' in other
    radiograph.predictions.update(**succeeded(version))
    final = client.get(url, {"seen": seen}, headers=HTMX)
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


def test_an_image_whose_file_is_gone_is_404(alice: User) -> None:
    radiograph = make_radiograph(alice)
    radiograph.file.storage.delete(radiograph.file.name or "")
    assert browser_of(alice).get(page_of(radiograph, "image")).status_code == 404


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


def test_the_page_says_what_the_probability_becomes_where_pneumonia_is_rarer(
    alice: User, version: ModelVersion
) -> None:
    page = words(browser_of(alice).get(page_of(make_radiograph(alice, **succeeded(version, 0.5)))))
    assert 'Where one in ten has it, the same image stands for <strong class="number">10 %</strong>' in page


def test_newer_and_older_lead_along_the_history(alice: User, bob: User, version: ModelVersion) -> None:
    oldest = make_radiograph(alice)
    make_radiograph(bob)
    middle = make_radiograph(alice)
    make_radiograph(bob)
    newest = make_radiograph(alice)
    client = browser_of(alice)
    page = words(client.get(page_of(middle)))
    assert f'rel="prev" href="{page_of(newest)}"' in page
    assert f'rel="next" href="{page_of(oldest)}"' in page
    assert 'rel="prev"' not in words(client.get(page_of(newest)))
    assert 'rel="next"' not in words(client.get(page_of(oldest)))


def test_the_final_fragment_brings_the_heat_map_to_the_page(alice: User, version: ModelVersion) -> None:
    radiograph = make_radiograph(alice, **succeeded(version), activation_map=[[1.0] * 7] * 7)
    fragment = words(browser_of(alice).get(page_of(radiograph, "status"), {"seen": "x"}, headers=HTMX))
    for part in ("heat-layer", "heat-switch", "heat-legend", "reading-more"):
        assert f'id="{part}"' in fragment
    assert fragment.count('hx-swap-oob="true"') == 4
    assert page_of(radiograph, "heatmap") in fragment


def test_a_result_takes_few_queries_however_many_predictions_there_are(
    alice: User, version: ModelVersion, django_assert_max_num_queries: Any
) -> None:
    radiograph = make_radiograph(alice, **succeeded(version))
    for _ in range(5):
        Prediction.objects.create(radiograph=radiograph, **succeeded(version))
    client = browser_of(alice)
    client.get("/help/")  # the first page of a session writes down that there is one
    with django_assert_max_num_queries(12):
        client.get(page_of(radiograph))


def test_warnings_of_a_radiograph_are_shown(alice: User, version: ModelVersion, monkeypatch: Any) -> None:
    warnings = [Caution("adult", "The header says that this is an adult.")]
    monkeypatch.setattr(Radiograph, "warnings", warnings, raising=False)
    page = words(browser_of(alice).get(page_of(make_radiograph(alice, **succeeded(version)))))
    assert "The header says that this is an adult." in page


def test_an_uncertain_answer_gives_no_label_as_if_it_were_one(alice: User, version: ModelVersion) -> None:
    client = browser_of(alice)
    uncertain = make_radiograph(alice, **succeeded(version, 0.35) | {"band": "uncertain"})
    assert "<dd>none, as it is uncertain; by the threshold alone NORMAL</dd>" in words(client.get(page_of(uncertain)))
    unlikely = make_radiograph(alice, **succeeded(version, 0.05))
    assert "<dd>NORMAL</dd>" in words(client.get(page_of(unlikely)))


def test_the_page_says_of_whom_the_network_knows_and_whether_the_file_tells_the_age(
    alice: User, version: ModelVersion
) -> None:
    client, radiograph = browser_of(alice), make_radiograph(alice, **succeeded(version))
    page = words(client.get(page_of(radiograph)))
    assert "learned from children of one to five years in one hospital" in page
    assert "This file does not say how old the patient is." in page
    Radiograph.objects.update(acquisition={"age": 3})
    assert "does not say how old" not in words(client.get(page_of(radiograph)))


def test_a_network_of_other_images_is_not_said_to_know_children_alone(alice: User, version: ModelVersion) -> None:
    ModelVersion.objects.update(card=version.card | {"data": {"source": "Another hospital"}})
    page = words(browser_of(alice).get(page_of(make_radiograph(alice, **succeeded(version)))))
    assert "children" not in page
    assert "It can only be trusted on images like those that it learned from" in page


def test_the_drawn_sample_is_called_a_drawing_beside_its_answer(alice: User, version: ModelVersion) -> None:
    client, radiograph = browser_of(alice), make_radiograph(alice, **succeeded(version))
    assert "This is no X-ray." not in words(client.get(page_of(radiograph)))
    Radiograph.objects.update(sha256=sample_sha256())
    assert "This is no X-ray." in words(client.get(page_of(radiograph)))


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"age": 0}, "<dt>Age</dt><dd>under 1 year</dd>"),
        ({"age": 0.08}, "<dt>Age</dt><dd>1 month</dd>"),
        ({"age": 1.5}, "<dt>Age</dt><dd>18 months</dd>"),
        ({"age": 64}, "<dt>Age</dt><dd>64 years</dd>"),
        ({"sex": "F"}, "<dt>Sex</dt><dd>female</dd>"),
        ({"sex": "O"}, "<dt>Sex</dt><dd>other</dd>"),
        ({"view": "PA"}, "<dt>View</dt><dd>PA (from the back to the front)</dd>"),
        ({"modality": "XY"}, "<dt>Modality</dt><dd>XY</dd>"),
    ],
)
def test_what_the_header_says_is_put_into_words(alice: User, facts: dict[str, Any], said: str) -> None:
    radiograph = make_radiograph(alice, status="refused", reason="No.")
    Radiograph.objects.update(acquisition=facts)
    assert said in words(browser_of(alice).get(page_of(radiograph)))


@pytest.mark.parametrize("path", ["/radiographs/", "/radiographs/outcomes/"])
def test_a_row_says_that_its_answer_must_be_read_with_care(alice: User, version: ModelVersion, path: str) -> None:
    client, radiograph = browser_of(alice), make_radiograph(alice, **succeeded(version, 0.06))
    asked = {"pk": str(radiograph.pk)}
    assert "Read with care" not in words(client.get(path, asked, headers=HTMX))
    Radiograph.objects.update(acquisition={"age": 81, "view": "LL"})
    assert "Read with care: an adult, not a frontal view</span>" in words(client.get(path, asked, headers=HTMX))


def test_the_page_of_what_was_deleted_says_that_it_may_have_been(alice: User) -> None:
    client, page = browser_of(alice), page_of(radiograph := make_radiograph(alice))
    radiograph.delete()
    assert "It may have been deleted" in words(client.get(page))
