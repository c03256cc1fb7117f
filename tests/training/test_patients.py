from collections.abc import Callable
from pathlib import Path

import pytest

from diagnosis.engine.examples import find_examples, patient_of


@pytest.mark.parametrize(
    ("name", "patient"),
    [
        ("person123_bacteria_577.jpeg", "person123"),
        ("person123_virus_12.jpeg", "person123"),
        ("IM-0115-0001.jpeg", "IM-0115"),
        ("IM-0115-0001-0002.jpeg", "IM-0115"),
        ("NORMAL2-IM-0666-0001.jpeg", "NORMAL2-IM-0666"),
        ("chest of bob.png", "chest of bob"),
    ],
)
def test_the_patient_is_read_from_the_file_name(name: str, patient: str) -> None:
    assert patient_of(name) == patient


def test_an_example_knows_its_label_subtype_and_source(draw_folder: Callable[..., Path]) -> None:
    examples = find_examples(draw_folder(normal=1, pneumonia=1))
    assert [(e.label, e.patient, e.subtype, e.source) for e in examples] == [
        (0, "IM-0000", "", "drawn"),
        (1, "person0", "virus", "drawn"),
    ]
