"""A part of the images is measured by itself; which pneumonia it is, against all the healthy."""

from pathlib import Path
from typing import Any

import pytest

from diagnosis.engine.examples import Example
from diagnosis.engine.subgroups import age_band, facts_of, subgroups

LABELS = [1, 1, 1, 1, 1, 0, 0, 0, 0]
CHANCES = [0.9, 0.8, 0.2, 0.3, 0.7, 0.1, 0.2, 0.3, 0.6]
PATIENTS = list("abcdefghi")
SUBTYPES = ["bacteria", "bacteria", "bacteria", "virus", "virus", "", "", "", ""]


def test_each_subtype_is_measured_against_all_the_healthy() -> None:
    found = subgroups(LABELS, CHANCES, 0.5, PATIENTS, {"subtype": SUBTYPES})["subtype"]
    assert set(found) == {"bacteria", "virus"}
    bacteria = found["bacteria"]
    assert (bacteria["n"], bacteria["positives"], bacteria["negatives"]) == (3, 3, 4)
    assert bacteria["sensitivity"] == pytest.approx(2 / 3)
    assert bacteria["specificity"] == pytest.approx(3 / 4)
    # 0.9 and 0.8 win all four, 0.2 wins one and ties with one
    assert bacteria["auroc"] == pytest.approx((4 + 4 + 1.5) / 12)
    assert found["virus"]["sensitivity"] == pytest.approx(1 / 2)
    low, high = bacteria["intervals"]["sensitivity"]
    assert low < 2 / 3 <= high


def test_images_of_one_patient_do_not_feign_certainty_in_a_subgroup() -> None:
    alone = subgroups(LABELS, CHANCES, 0.5, PATIENTS, {"subtype": SUBTYPES})["subtype"]["bacteria"]
    facts = {"subtype": SUBTYPES * 20}
    tenfold = subgroups(LABELS * 20, CHANCES * 20, 0.5, PATIENTS * 20, facts)["subtype"]["bacteria"]
    widths = [high - low for low, high in (each["intervals"]["sensitivity"] for each in (alone, tenfold))]
    assert widths[1] == pytest.approx(widths[0], rel=0.2)


def test_a_fact_known_of_both_classes_divides_both() -> None:
    sexes = ["F", "F", "M", "M", "M", "F", "F", "M", ""]
    found = subgroups(LABELS, CHANCES, 0.5, PATIENTS, {"sex": sexes})["sex"]
    assert {value: (part["n"], part["positives"], part["negatives"]) for value, part in found.items()} == {
        "F": (4, 2, 2),
        "M": (4, 3, 1),
    }
    assert found["F"]["auroc"] == 1
    assert found["M"]["sensitivity"] == pytest.approx(1 / 3)


def test_a_figure_that_lacks_a_class_is_none_and_not_a_number() -> None:
    found = subgroups([1, 1, 0], [0.9, 0.2, 0.1], 0.5, ["a", "b", "c"], {"view": ["AP", "AP", "PA"]})["view"]
    assert found["AP"]["auroc"] is None
    assert found["AP"]["intervals"]["specificity"] == [None, None]
    assert found["AP"]["sensitivity"] == 0.5
    assert found["PA"]["sensitivity"] is None


def test_a_fact_that_nobody_knows_is_left_out() -> None:
    assert subgroups(LABELS, CHANCES, 0.5, PATIENTS, {"subtype": SUBTYPES, "sex": [""] * 9}).keys() == {"subtype"}


@pytest.mark.parametrize(
    ("years", "band"),
    [(0, "under 5"), (4, "under 5"), (5, "5 to 17"), (17, "5 to 17"), (18, "18 to 39"), (64, "40 to 64"),
     (65, "65 and over"), (99, "65 and over")],
)  # fmt: skip
def test_an_age_belongs_to_one_band(years: int, band: str) -> None:
    assert age_band(years) == band


def test_what_an_example_tells_is_read_off_it_and_what_it_does_not_is_empty() -> None:
    sick = Example(Path("a.png"), 1, "a", "virus", "drawn")
    assert facts_of([sick]) == {"subtype": ["virus"], "age": [""], "sex": [""], "view": [""], "rsna": [""]}


def test_the_radiologists_reading_divides_the_sick_alone() -> None:
    told = [Example(Path(f"{label}.png"), label, str(label), "", "drawn") for label in (1, 1, 0)]
    known: list[dict[str, Any]] = [{"age": 3, "rsna_opacity": True}, {"rsna_opacity": False, "sex": "F"}]
    for example, facts in zip(told, [*known, {"rsna_opacity": False, "view": "PA"}], strict=True):
        vars(example).update(facts)
    found = facts_of(told)
    assert found["rsna"] == ["opacity", "no opacity", ""]
    assert (found["age"], found["sex"], found["view"]) == (["under 5", "", ""], ["", "F", ""], ["", "", "PA"])
