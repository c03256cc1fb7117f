"""NIH ChestX-ray, as published and as a selection with its own table."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from diagnosis.engine.errors import DatasetError
from diagnosis.engine.examples import Example, find, find_examples
from tests.training.conftest import draw_chest, png
from training.datasets import read_dataset

COLUMNS = "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position"
ROWS = """\
00000001_000.png,No Finding,0,1,057Y,M,PA
00000001_001.png,Cardiomegaly|Pneumonia,1,1,58,M,AP
00000002_000.png,Pneumonia,0,2,011M,F,PA
00000003_000.png,Hernia,0,3,81,F,PA
00000004_000.png,No Finding,0,4,414,F,PA
"""

Publish = Callable[..., Path]


@pytest.fixture
def publish(tmp_path: Path) -> Publish:
    """Return a function that lays out NIH ChestX-ray as it is published, the images spread over two archives."""

    def lay_out(rows: str = ROWS, columns: str = COLUMNS, table: str = "Data_Entry_2017_v2020.csv") -> Path:
        folder = tmp_path / "nih"
        for number, name in enumerate(
            ["00000001_000", "00000001_001", "00000002_000", "00000003_000", "00000004_000"]
        ):
            archive = folder / f"images_00{number % 2 + 1}" / "images"
            archive.mkdir(parents=True, exist_ok=True)
            (archive / f"{name}.png").write_bytes(png(draw_chest(number % 2, number)))
        (folder / table).write_text(f"{columns}\n{rows}")
        return folder

    return lay_out


@pytest.fixture
def select(tmp_path: Path) -> Publish:
    """Return a function that lays out a selection with labels.csv."""

    def lay_out(rows: str, columns: str = "path,binary_label,patient_id,age,sex,view,rsna_lung_opacity") -> Path:
        for label, name in enumerate(["NORMAL", "PNEUMONIA"]):
            (tmp_path / "selection" / name).mkdir(parents=True)
            (tmp_path / "selection" / name / "a.png").write_bytes(png(draw_chest(label, 0)))
        (tmp_path / "selection" / "labels.csv").write_text(f"{columns}\n{rows}")
        return tmp_path / "selection"

    return lay_out


def test_pneumonia_stands_against_no_finding_and_other_findings_are_left_out(publish: Publish) -> None:
    examples = find_examples(publish())
    assert [(e.path.name, e.label) for e in examples] == [
        ("00000001_000.png", 0),
        ("00000004_000.png", 0),
        ("00000002_000.png", 1),
        ("00000001_001.png", 1),
    ]
    assert {e.source for e in examples} == {"nih"}


def test_patient_age_sex_and_view_come_from_the_table(publish: Publish) -> None:
    facts = {e.path.name: (e.patient, e.age, e.sex, e.view) for e in find_examples(publish())}
    assert facts == {
        "00000001_000.png": ("00000001", 57, "M", "PA"),
        "00000001_001.png": ("00000001", 58, "M", "AP"),
        "00000002_000.png": ("00000002", 0, "F", "PA"),
        "00000004_000.png": ("00000004", None, "F", "PA"),  # nobody is 414
    }


def test_of_two_published_tables_the_later_counts(publish: Publish) -> None:
    folder = publish()
    (folder / "Data_Entry_2017.csv").write_text("no,table")
    assert len(find_examples(folder)) == 4


def test_a_row_without_a_file_is_listed_counted_and_skipped(publish: Publish) -> None:
    said: list[str] = []
    folder = publish(ROWS + "00000009_000.png,Pneumonia,0,9,60,M,AP\n00000010_000.png,Hernia,0,9,60,M,AP\n")
    examples = find_examples(folder, said.append)
    assert len(examples) == 4
    assert said == [
        f"Skipped 00000009_000.png: the table lists it, and no such file is in {folder}.",
        "1 of 5 listed files are missing.",
    ]
    assert find(folder).missing == ("00000009_000.png",)


def test_of_a_partial_download_only_the_first_missing_files_are_named(publish: Publish) -> None:
    said: list[str] = []
    more = "".join(f"{number:08}_000.png,No Finding,0,{number},60,M,AP\n" for number in range(100, 1100))
    find_examples(publish(ROWS + more), said.append)
    assert len(said) == 21
    assert said[-1] == "1000 of 1004 listed files are missing."


def test_a_table_without_any_of_its_files_is_an_error(publish: Publish) -> None:
    with pytest.raises(DatasetError, match="holds none of the 1 images that its table lists"):
        find(publish("00000009_000.png,Pneumonia,0,9,60,M,AP\n"))


@pytest.mark.parametrize("column", ["Image Index", "Finding Labels", "Patient ID"])
def test_a_published_table_without_a_needed_column_is_an_error(publish: Publish, column: str) -> None:
    with pytest.raises(DatasetError, match=f"lacks the column '{column}'"):
        find(publish(columns=COLUMNS.replace(column, "Other")))


def test_a_published_table_may_lack_what_only_describes(publish: Publish) -> None:
    folder = publish(
        "00000001_000.png,No Finding,1\n00000002_000.png,Pneumonia,2\n", "Image Index,Finding Labels,Patient ID"
    )
    assert [(e.age, e.sex, e.view) for e in find(folder).examples] == [(None, "", "")] * 2


def test_a_selection_tells_also_what_radiologists_saw(select: Publish) -> None:
    folder = select("NORMAL/a.png,NORMAL,7,36,F,PA,\nPNEUMONIA/a.png,PNEUMONIA,8,,M,AP,1\n")
    assert find_examples(folder) == [
        Example(folder / "NORMAL" / "a.png", 0, "7", "", "selection", 36, "F", "PA", None),
        Example(folder / "PNEUMONIA" / "a.png", 1, "8", "", "selection", None, "M", "AP", True),
    ]


def test_a_label_that_is_none_is_an_error(select: Publish) -> None:
    with pytest.raises(DatasetError, match=r"the label 'sick' of NORMAL/a\.png is none of"):
        find(select("NORMAL/a.png,sick,7,36,F,PA,\n"))


def test_a_row_that_breaks_off_is_an_error(select: Publish) -> None:
    with pytest.raises(DatasetError, match="is incomplete in line 3"):
        find(select("NORMAL/a.png,NORMAL,7,36,F,PA,\nPNEUMONIA/a.png\n"))


def test_bytes_that_are_no_table_are_an_error(select: Publish) -> None:
    folder = select("")
    (folder / "labels.csv").write_bytes(b"\xff\xfe\x00path")
    with pytest.raises(DatasetError, match="cannot be read as a table"):
        find(folder)


def test_training_reads_it_as_any_other_data_set(publish: Publish) -> None:
    said: list[str] = []
    dataset = read_dataset(publish(ROWS + "00000009_000.png,Pneumonia,0,9,60,M,AP\n"), said.append)
    assert dataset.labels.tolist() == [0, 0, 1, 1]
    assert said[-1] == "1 of 5 listed files are missing."


@pytest.mark.usefixtures("version")
def test_evaluate_takes_the_same_entry(select: Publish) -> None:
    with pytest.raises(CommandError, match="lacks the column 'patient_id'"):
        call_command("evaluate", data=[select("a,NORMAL\n", "path,binary_label")])
