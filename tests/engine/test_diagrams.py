"""The pictures of an evaluation say what its figures say."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest

from diagnosis.engine.diagrams import (
    LEFT,
    SIDE,
    TOP,
    confusion_counts,
    draw_diagrams,
    reliability_points,
    roc_points,
)
from diagnosis.engine.figures import figures

LABELS = np.array([0, 0, 0, 0, 1, 1, 1, 1])
CHANCES = np.array([0.1, 0.2, 0.7, 0.3, 0.9, 0.05, 0.8, 0.7])
SVG = "{http://www.w3.org/2000/svg}"


def words_of(picture: str) -> set[str | None]:
    return {text.text for text in ElementTree.fromstring(picture).iter(f"{SVG}text")}


def summary_of(picture: str) -> str:
    return ElementTree.fromstring(picture).get("aria-label") or ""


def test_the_roc_has_a_point_for_each_threshold_and_its_area_is_the_auroc() -> None:
    points = np.array(roc_points(LABELS, CHANCES))
    assert points.tolist() == [
        [0, 0], [0, 0.25], [0, 0.5], [0.25, 0.75], [0.5, 0.75], [0.75, 0.75], [1, 0.75], [1, 1],
    ]  # fmt: skip
    area = np.trapezoid(points[:, 1], points[:, 0])
    assert area == pytest.approx(figures(LABELS, CHANCES, 0.5, resamples=1)["auroc"].value)


def test_the_reliability_counts_the_images_of_each_bin() -> None:
    assert np.allclose(reliability_points(LABELS, CHANCES, bins=2), [(0.1625, 0.25, 4), (0.775, 0.75, 4)])
    assert reliability_points(np.array([1]), np.array([1.0])) == [(1.0, 1.0, 1)]


def test_the_confusion_counts_each_answer_and_the_threshold_itself_is_positive() -> None:
    assert confusion_counts(LABELS, CHANCES, 0.7) == [[3, 1], [1, 3]]
    assert confusion_counts(LABELS, CHANCES, 0.71) == [[4, 0], [2, 2]]


def test_each_picture_says_in_words_what_it_shows_and_loads_nothing() -> None:
    drawn = draw_diagrams(LABELS, CHANCES, 0.5, figures(LABELS, CHANCES, 0.5, resamples=20))
    assert set(drawn) == {"roc", "reliability", "confusion"}
    assert "threshold 0.500: sensitivity 75.0%, specificity 75.0%" in summary_of(drawn["roc"])
    assert any(word and word.startswith("AUROC 0.7188 (") for word in words_of(drawn["roc"]))
    assert any(word and word.startswith("ECE ") for word in words_of(drawn["reliability"]))
    assert "label NORMAL, answer PNEUMONIA: 1" in summary_of(drawn["confusion"])
    assert {"3", "1", "75.0%", "25.0%", "Normal", "Pneumonia"} <= words_of(drawn["confusion"])
    for picture in drawn.values():
        assert "http" not in picture.replace("http://www.w3.org/2000/svg", "")
        assert "prefers-color-scheme:dark" in picture


def test_the_dot_on_the_roc_is_where_the_threshold_puts_it() -> None:
    drawn = draw_diagrams(LABELS, CHANCES, 0.5, figures(LABELS, CHANCES, 0.5, resamples=1))["roc"]
    (dot,) = ElementTree.fromstring(drawn).iter(f"{SVG}circle")
    assert float(dot.get("cx", 0)) == LEFT + SIDE * 0.25
    assert float(dot.get("cy", 0)) == TOP + SIDE * 0.25


def test_where_one_class_is_missing_there_is_no_roc() -> None:
    sick = np.array([1, 1])
    drawn = draw_diagrams(sick, np.array([0.2, 0.9]), 0.5, figures(sick, np.array([0.2, 0.9]), 0.5, resamples=1))
    assert set(drawn) == {"reliability", "confusion"}
    assert "nan" not in "".join(drawn.values()).lower()
