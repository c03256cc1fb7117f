"""How far readers and network agree: the figures against published examples, and the counts against rows."""

from __future__ import annotations

from datetime import UTC, datetime
from math import isnan
from typing import Any

import pytest
from django.contrib.auth.models import User

from diagnosis.engine.figures import Figure
from diagnosis.models import ModelVersion, Prediction, Radiograph, Review
from diagnosis.reviewing.agreement import Agreement, cohens_kappa, kappa_among_readers, share
from diagnosis.reviewing.counting import count_reviews
from diagnosis.reviewing.picture import draw_agreement
from tests.diagnosis.pages import browser_of, words
from tests.diagnosis.reviews import reviewed
from tests.factories import succeeded

pytestmark = pytest.mark.usefixtures("rung")


def rounded(figure: Figure, digits: int = 4) -> tuple[float, float, float]:
    return tuple(round(each, digits) for each in (figure.value, figure.low, figure.high))  # type: ignore[return-value]


def test_a_share_has_wilsons_interval() -> None:
    # R. G. Newcombe, Statistics in Medicine 1998; 17:857, table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29
    assert rounded(share(81, 263)) == (0.3080, 0.2553, 0.3662)
    assert rounded(share(15, 148)) == (0.1014, 0.0624, 0.1605)
    assert rounded(share(0, 20)) == (0.0, 0.0, 0.1611)
    assert rounded(share(1, 29)) == (0.0345, 0.0061, 0.1718)
    assert share(20, 20).high == 1
    assert isnan(share(0, 0).value)


def test_kappa_and_its_interval_are_those_of_a_calculation_by_hand() -> None:
    # 20, 5, 10, 15 of 50: agreement 0.7, by chance 0.5; variance (0.10972 + 0.10188 - 0.01) / (50 * 0.25)
    kappa = cohens_kappa(Agreement(hits=20, misses=5, alarms=10, rejections=15))
    assert rounded(kappa, 3) == (0.4, 0.151, 0.649)


@pytest.mark.parametrize(
    ("counts", "value"),
    [
        (Agreement(hits=5, rejections=5), 1.0),
        (Agreement(misses=5, alarms=5), -1.0),
        (Agreement(hits=25, misses=25, alarms=25, rejections=25), 0.0),
    ],
)
def test_kappa_at_its_ends_and_by_chance(counts: Agreement, value: float) -> None:
    kappa = counts.kappa
    assert kappa.value == pytest.approx(value)
    assert -1 <= kappa.low <= kappa.value <= kappa.high <= 1
    if value == 1:
        assert kappa.low < 0.5  # ten radiographs prove little


def test_where_one_label_alone_was_given_kappa_has_no_value() -> None:
    assert isnan(Agreement(hits=9).kappa.value)
    assert isnan(Agreement().kappa.value)
    assert isnan(kappa_among_readers({(3, 0): 9}).value)
    assert isnan(kappa_among_readers({(1, 0): 9}).value)


def test_kappa_among_readers_takes_another_number_of_them_each_time() -> None:
    # J. L. Fleiss, B. Levin, M. C. Paik, Statistical Methods for Rates and Proportions, 2003, table 18.8
    readers_and_positives = [
        (2, 2), (2, 0), (3, 2), (4, 3), (3, 3), (4, 1), (3, 0), (5, 0), (2, 0), (4, 4), (5, 5), (3, 3), (4, 4),
        (4, 3), (2, 0), (2, 2), (3, 1), (2, 1), (4, 1), (5, 4), (3, 2), (4, 0), (3, 0), (3, 3), (2, 2),
    ]  # fmt: skip
    patterns: dict[tuple[int, int], int] = {}
    for readers, sick in readers_and_positives:
        patterns[sick, readers - sick] = patterns.get((sick, readers - sick), 0) + 1
    kappa = kappa_among_readers(patterns)
    assert round(kappa.value, 2) == 0.54
    assert 0.2 < kappa.low < 0.54 < kappa.high < 0.9


def test_readers_who_always_agree_have_a_kappa_of_one() -> None:
    assert kappa_among_readers({(2, 0): 5, (0, 3): 5}).value == pytest.approx(1)


def test_the_majority_is_counted_against_each_version(alice: User, version: ModelVersion) -> None:
    reviewed(alice, version, "PNEUMONIA", "PNEUMONIA")
    reviewed(alice, version, "PNEUMONIA", "PNEUMONIA", "PNEUMONIA", "NORMAL")
    reviewed(alice, version, "PNEUMONIA", "NORMAL", "UNCLEAR")
    reviewed(alice, version, "NORMAL", "NORMAL")
    twice = reviewed(alice, version, "NORMAL", "PNEUMONIA")
    reviewed(alice, version, "NORMAL", "NORMAL", "PNEUMONIA")
    reviewed(alice, version, "NORMAL")
    Prediction.objects.create(radiograph=twice, **succeeded(version, 0.03))
    other = ModelVersion.objects.create(version="other", network_sha256="0" * 64, card=version.card)
    Prediction.objects.create(radiograph=twice, **succeeded(other, 0.94))
    counts = count_reviews(Radiograph.objects.all())
    assert {row.version: (row.agreement, row.open) for row in counts.by_version} == {
        version.version: (Agreement(hits=2, misses=1, alarms=1, rejections=1), 1),
        "other": (Agreement(hits=1), 0),
    }
    assert counts.patterns == {(2, 1): 1, (1, 1): 1}
    assert [(row.name, row.agreement, row.unclear) for row in counts.readers] == [
        ("reader0", Agreement(hits=2, misses=1, alarms=1, rejections=2), 0),
        ("reader1", Agreement(hits=1, misses=1), 1),
        ("reader2", Agreement(alarms=1), 0),
    ]
    assert counts.answered == 7


def test_periods_are_counted_each_by_itself(alice: User, version: ModelVersion) -> None:
    for month in (1, 2, 2, 11):
        radiograph = reviewed(alice, version, "NORMAL", "NORMAL")
        Radiograph.objects.filter(pk=radiograph.pk).update(created=datetime(2026, month, 28, tzinfo=UTC))
    by_month = count_reviews(Radiograph.objects.all()).by_period
    assert [(str(row.begin), row.agreement.count) for row in by_month] == [
        ("2026-11-01", 1),
        ("2026-02-01", 2),
        ("2026-01-01", 1),
    ]
    by_quarter = count_reviews(Radiograph.objects.all(), "quarter").by_period
    assert [row.agreement.count for row in by_quarter] == [1, 3]
    page = words(
        browser_of(alice).get("/statistics/", {"unit": "quarter", "begin": "2026-02-01", "end": "2026-03-31"})
    )
    assert "2026 Q1" in page
    assert "2026 Q4" not in page


def test_blinded_verdicts_are_counted_apart_even_if_corrected_later(alice: User, version: ModelVersion) -> None:
    reviewed(alice, version, "NORMAL", "PNEUMONIA")
    Review.objects.update(blinded=True, current=False)
    first = Review.objects.get()
    Review.objects.create(radiograph=first.radiograph, reader=first.reader, label="NORMAL")
    [of_all], [of_blinded] = (
        count_reviews(Radiograph.objects.all(), blinded=blinded).by_version for blinded in (False, True)
    )
    assert (of_all.agreement, of_blinded.agreement) == (Agreement(rejections=1), Agreement(misses=1))


def test_the_page_says_figures_doubts_and_what_is_left_out(alice: User, version: ModelVersion) -> None:
    for _ in range(9):
        reviewed(alice, version, "NORMAL", "PNEUMONIA")
    reviewed(alice, version, "PNEUMONIA", "PNEUMONIA")
    reviewed(alice, version, "NORMAL", "UNCLEAR")
    for _ in range(3):
        reviewed(alice, version, "NORMAL")
    refused = reviewed(alice, version, "NORMAL", "NORMAL")
    Radiograph.objects.filter(pk=refused.pk).update(outcome="refused")
    page = words(browser_of(alice).get("/statistics/"))
    assert "10.0 % (1.8 to 40.4)" in page
    assert "does worse here than its card says" in page
    assert "verification bias" in page
    assert "11 of 14 answered X-rays are reviewed" in page
    assert "refused by the network: 1" in page
    assert "1 X-ray that" in page
    assert f"{version}, sensitivity 0.10 (0.02 to 0.40)" in page


def test_statistics_are_of_ones_own_unless_staff_asks_for_all(
    alice: User, bob: User, charlie: User, version: ModelVersion
) -> None:
    reviewed(alice, version, "NORMAL", "NORMAL")
    for user, query, is_seen in (
        (alice, {}, True),
        (bob, {}, False),
        (bob, {"all": "on"}, False),
        (charlie, {}, False),
        (charlie, {"all": "on"}, True),
    ):
        page = words(browser_of(user).get("/statistics/", query))
        assert ("Nothing is reviewed yet" not in page) == is_seen, (user, query)


@pytest.mark.parametrize("query", [{"begin": "x"}, {"end": "2026-13-01"}, {"unit": "week"}])
def test_a_period_that_cannot_be_understood_is_said(alice: User, query: dict[str, str]) -> None:
    answer = browser_of(alice).get("/statistics/", query)
    assert answer.status_code == 400
    assert "cannot be understood" in words(answer)


def test_statistics_take_few_queries_however_much_is_reviewed(
    alice: User, version: ModelVersion, django_assert_max_num_queries: Any
) -> None:
    for _ in range(5):
        reviewed(alice, version, "NORMAL", "NORMAL", "PNEUMONIA")
    client = browser_of(alice)
    client.get("/help/")  # the first page of a session writes down that there is one
    for address in ("/statistics/", "/reading/"):
        with django_assert_max_num_queries(12):
            assert client.get(address).status_code == 200


def test_names_are_escaped_in_the_picture() -> None:
    drawn = draw_agreement([("<script>", [("a & b", share(1, 2))])])
    assert "<script>" not in drawn.inner
    assert "a &amp; b" in drawn.inner


def test_many_verdicts_are_counted_once_a_minute_for_each_question(
    alice: User, bob: User, version: ModelVersion, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    monkeypatch.setattr("diagnosis.reviewing.counting.MANY", 0)
    reviewed(alice, version, "PNEUMONIA", "NORMAL")
    counted = count_reviews(Radiograph.objects.owned_by(alice))
    with django_assert_num_queries(0):
        assert count_reviews(Radiograph.objects.owned_by(alice)) == counted
    assert not counted.is_empty
    assert count_reviews(Radiograph.objects.owned_by(bob)).is_empty
