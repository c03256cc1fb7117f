"""A sheet of training images before and after augmentation."""

import errno
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from matplotlib.figure import Figure
from PIL import Image

from diagnosis.engine.examples import find_examples
from training.contact_sheet import EACH, _choose


def sheet(data: Path, output: Path | None = None, **options: Any) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    call_command("contact_sheet", data=data, output=output, stdout=out, stderr=err, **options)
    return out.getvalue(), err.getvalue()


def test_the_sheet_shows_rows_of_images_on_white(draw_folder: Callable[..., Path], tmp_path: Path) -> None:
    said, _ = sheet(draw_folder(), tmp_path / "new" / "sheet.png")
    assert said == f"The contact sheet lies in {tmp_path / 'new' / 'sheet.png'}.\n"
    grey = np.asarray(Image.open(tmp_path / "new" / "sheet.png").convert("L"))
    assert min(grey.shape) > 1000
    assert (grey[:4] == 255).all()
    assert 0.05 < (grey == 255).mean() < 0.4


def test_without_a_name_it_lies_in_the_data_folder(draw_folder: Callable[..., Path]) -> None:
    said, _ = sheet(draw_folder(1, 1))
    assert str(settings.DATA_DIR / "training" / "contact_sheet.png") in said


def test_the_same_seed_makes_the_same_sheet_and_another_seed_another(
    draw_folder: Callable[..., Path], tmp_path: Path
) -> None:
    folder = draw_folder(5, 5)
    for name, seed in (("first", 1), ("again", 1), ("other", 2)):
        sheet(folder, tmp_path / f"{name}.png", seed=seed)
    first, again, other = ((tmp_path / f"{name}.png").read_bytes() for name in ("first", "again", "other"))
    assert first == again != other


def test_the_seed_chooses_the_images(draw_folder: Callable[..., Path]) -> None:
    examples = find_examples(draw_folder(9, 9))
    first, again, other = ([e.path for e in _choose(examples, seed, print)[0]] for seed in (1, 1, 2))
    assert first == again != other
    assert len(first) == 2 * EACH


def test_unreadable_images_are_passed_over(draw_folder: Callable[..., Path], tmp_path: Path) -> None:
    folder = draw_folder(1, 1)
    (folder / "NORMAL" / "empty.png").touch()
    _, warned = sheet(folder, tmp_path / "sheet.png")
    assert "empty.png: The file is empty" in warned


def test_a_class_without_a_readable_image_is_an_error(draw_folder: Callable[..., Path], tmp_path: Path) -> None:
    folder = draw_folder(0, 2)
    (folder / "NORMAL" / "empty.png").touch()
    with pytest.raises(CommandError, match="None of the 1 images of the class NORMAL can be read"):
        sheet(folder, tmp_path / "sheet.png")
    assert not (tmp_path / "sheet.png").exists()


@pytest.mark.parametrize(
    ("output", "seed", "sentence"),
    [("sheet.xyz", 0, "Format 'xyz' is not supported"), ("sheet.png", -1, "--seed must not be negative")],
)
def test_what_cannot_be_drawn_is_one_sentence(
    draw_folder: Callable[..., Path], tmp_path: Path, output: str, seed: int, sentence: str
) -> None:
    with pytest.raises(CommandError, match=sentence):
        sheet(draw_folder(1, 1), tmp_path / output, seed=seed)


def test_a_full_disk_leaves_no_half_of_a_sheet(
    draw_folder: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill_the_disk(figure: Figure, file: Any, **how: Any) -> None:
        if isinstance(file, Path):
            file.write_bytes(b"half a picture")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Figure, "savefig", fill_the_disk)
    with pytest.raises(CommandError, match="No space left on device"):
        sheet(draw_folder(1, 1), tmp_path / "sheets" / "sheet.png")
    assert list((tmp_path / "sheets").iterdir()) == []


def test_a_folder_without_images_is_one_sentence_for_the_sheet(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="holds no images"):
        sheet(tmp_path, tmp_path / "sheet.png")
