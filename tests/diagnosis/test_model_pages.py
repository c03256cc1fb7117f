"""What the network is, how good, for what and for what not: on a page, and for programs."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from diagnosis import model_facts, publishing
from diagnosis.models import Comparison, ModelVersion
from tests.conftest import BUNDLED_MODEL
from tests.diagnosis.pages import browser_of, words
from tests.factories import artifact_named

CARD = json.loads((BUNDLED_MODEL / "card.json").read_text())


@pytest.fixture
def browser(alice: User) -> Client:
    return browser_of(alice)


def page_text(browser: Client, version: ModelVersion) -> str:
    """Return the words of the card's page, with its mark-up taken away."""
    page = browser.get(reverse("diagnosis:model", args=[version.version]))
    assert page.status_code == 200
    return " ".join(re.sub(r"<[^>]+>", " ", words(page)).replace("&nbsp;", " ").split())


def test_the_list_names_each_version_and_the_active_one(
    browser: Client, version: ModelVersion, tmp_path: Path
) -> None:
    other, _ = publishing.publish(artifact_named("other", tmp_path))
    page = words(browser.get(reverse("diagnosis:models")))
    assert all(f'href="/models/{each}/"' in page for each in (version, other))
    active, passive = page.index(f">{version}<"), page.index(f">{other}<")
    assert active < page.index(">Active<") < passive, "the active one comes first, and it alone is called so"
    assert page.count(">Active<") == 1


def test_the_list_tells_the_figures_of_the_images_on_which_a_version_does_worst(
    browser: Client, version: ModelVersion, tmp_path: Path
) -> None:
    values = {"validation": 0.99, "validation_exchanged": 0.71, "validation_strongly_changed": 0.95}
    metrics = {key: {"images": 9, "auroc": {"value": value, "low": 0.5, "high": 1}} for key, value in values.items()}
    publishing.publish(artifact_named("other", tmp_path, metrics=metrics | {"parity": {"images": 9}}))
    page = words(browser.get(reverse("diagnosis:models")))
    assert "0.710" in page
    assert "0.950" not in page


def test_the_list_without_any_version_says_what_is_missing(browser: Client) -> None:
    assert "No model yet" in words(browser.get(reverse("diagnosis:models")))


def test_the_page_says_what_the_version_is_for_and_what_it_was_trained_on(
    browser: Client, version: ModelVersion
) -> None:
    text = page_text(browser, version)
    assert "What it is for" in text
    assert "not a medical device" in text
    assert "patients other than small children" in text
    assert CARD["data"]["source"] in text
    data = CARD["data"]["training"]
    assert f"Training {data['images']:,} {data['patients']:,} {data['NORMAL']:,} {data['PNEUMONIA']:,}" in text


def test_every_figure_of_every_data_set_is_there_with_its_interval(browser: Client, version: ModelVersion) -> None:
    text = page_text(browser, version)
    named = {"validation": "as the images are", "validation_perturbed": "changed"}
    named["validation_strongly_changed"] = "strongly changed"
    for key, title in named.items():
        part = CARD["metrics"][key]
        shown = text[text.index(f"Validation, {title}") :].partition("Brier score")[0]
        assert f"{part['images']:,} images of {part['patients']} patients" in shown
        auroc, found = part["auroc"], part["sensitivity"]
        assert f"AUROC {auroc['value']:.3f} {auroc['low']:.3f}–{auroc['high']:.3f}" in shown
        share = f"{found['value']:.1%}".replace("%", "\N{NO-BREAK SPACE}%").split()
        assert " ".join(["Sensitivity", *share, f"{found['low'] * 100:.1f}–{found['high'] * 100:.1f}"]) in shown


def test_threshold_band_hashes_and_curves_are_on_the_page(browser: Client, version: ModelVersion) -> None:
    text = page_text(browser, version)
    threshold, low, high = (f"{CARD[name] * 100:.0f} %" for name in ("threshold", "band_low", "band_high"))
    assert f"From {threshold} on the label is PNEUMONIA" in text
    assert f"Between {low} and {high}" in text
    assert CARD["network_sha256"] in text
    assert CARD["data"]["fingerprint"] in text
    assert f"version {CARD['preprocessing_version']}: the same function" in text
    assert "learning_rate" in text
    page = words(browser.get(version.get_absolute_url()))
    assert f"AUROC after epoch {len(CARD['training']['epochs'])}: training" in page


def test_what_was_measured_elsewhere_is_shown_for_that_version_and_apart(
    browser: Client, version: ModelVersion, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = {"n": 50, "auroc": 0.4321, "intervals": {"auroc": [0.25, 0.625]}, "model_version": version.version}
    report["subgroups"] = {
        "rsna": {},
        "age": {"40 to 64": {"n": 20, "auroc": None, "intervals": {"auroc": [None, None]}}},
    }
    results = tmp_path / "results.json"
    results.write_text(json.dumps([{**report, "title": "Elsewhere", "source": "Another hospital."}]))
    monkeypatch.setattr(model_facts, "EXTERNAL_RESULTS", results)
    model_facts._external_results.cache_clear()
    try:
        text = page_text(browser, version)
        listed = words(browser.get(reverse("diagnosis:models")))
        other, _ = publishing.publish(artifact_named("other", tmp_path))
        text_of_other = page_text(browser, other)
    finally:
        model_facts._external_results.cache_clear()
    assert "Elsewhere Another hospital. 50 images" in text
    assert "AUROC 0.432 0.250–0.625" in text
    assert 'Elsewhere, 50 images: AUROC <strong class="number">0.432</strong>' in listed
    assert "40 to 64 · 20 images AUROC –" in text
    assert "By what RSNA radiologists saw and age" in text
    assert "not measured on images of other hospitals" not in text
    assert "not measured on images of other hospitals" in text_of_other


def test_the_results_that_ship_can_be_read_and_are_not_flattering() -> None:
    for report in json.loads(model_facts.EXTERNAL_RESULTS.read_text()):
        (found,) = [
            each for each in model_facts.data_sets_elsewhere(report["model_version"]) if each.title == report["title"]
        ]
        assert found.images == report["n"]
        assert found.figures[0].value == report["auroc"]
        assert found.subgroups


def test_comparisons_with_other_versions_are_told(browser: Client, version: ModelVersion, tmp_path: Path) -> None:
    other, _ = publishing.publish(artifact_named("other", tmp_path))
    third, _ = publishing.publish(artifact_named("third", tmp_path))
    Comparison.objects.create(a=version, b=other, data="x", fingerprint="0", figures={}, sentence="Other is worse.")
    assert "Other is worse." in page_text(browser, version)
    assert "Other is worse." in page_text(browser, other)
    assert "Other is worse." not in page_text(browser, third)


def test_a_card_with_nothing_but_what_it_must_hold_has_a_page(browser: Client, tmp_path: Path) -> None:
    bare, _ = publishing.publish(artifact_named("bare", tmp_path, metrics={}, data={}, training={}))
    text = page_text(browser, bare)
    assert "Its card holds no figures." in text
    assert "Its card does not say where the images come from." in text
    assert browser.get(reverse("diagnosis:models")).status_code == 200


def test_both_pages_take_few_queries(
    browser: Client, version: ModelVersion, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for address in (reverse("diagnosis:models"), version.get_absolute_url()):
        with django_assert_max_num_queries(6):
            browser.get(address)


def test_an_unknown_version_is_not_found(browser: Client, version: ModelVersion) -> None:
    assert browser.get("/models/nonsense/").status_code == 404
    assert browser.get("/api/v1/models/nonsense/").status_code == 404


def test_strangers_are_led_to_the_login(version: ModelVersion) -> None:
    for address in (reverse("diagnosis:models"), version.get_absolute_url()):
        answer = Client().get(address)
        assert answer.status_code == 302
        assert answer["Location"].startswith("/accounts/login/")
    assert Client().get("/api/v1/models/").status_code == 401


def test_programs_get_the_versions_with_their_cards(browser: Client, version: ModelVersion, tmp_path: Path) -> None:
    publishing.publish(artifact_named("newer", tmp_path))
    found = browser.get("/api/v1/models/").json()["results"]
    assert [(each["version"], each["active"]) for each in found] == [("newer", False), (version.version, True)]
    one = browser.get(found[1]["url"]).json()
    assert one == found[1]
    assert one["card"] == CARD
    assert one["network_sha256"] == CARD["network_sha256"]
    assert browser.post("/api/v1/models/").status_code == 405


def test_predictive_values_are_told_for_the_prevalence_that_the_report_supposes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    facts = {"title": "Ward", "source": "", "n": 4, "model_version": "v", "subgroups": {}, "intervals": {}}
    reports = [facts | {"ppv": 0.5, "prevalence": 0.2}]
    monkeypatch.setattr(model_facts, "_external_results", lambda: reports)
    (figure,) = model_facts.data_sets_elsewhere("v")[0].figures
    assert figure.name == "Predictive value, positive, if 20\N{NO-BREAK SPACE}% are ill"
    assert figure.meaning == "right when it says PNEUMONIA, if 20% of patients have it"


def test_the_meaning_of_predictive_values_names_the_share_that_they_suppose(
    browser: Client, version: ModelVersion
) -> None:
    text = page_text(browser, version)
    assert "right when it says NORMAL, if 5% of patients have it" in text
    assert "{" not in text.partition("What the figures mean")[2].partition("On images of other hospitals")[0]
