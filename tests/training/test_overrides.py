"""What a recipe may be told, and what not."""

from pathlib import Path
from typing import Any

import pytest

from training.config import TrainingConfig, recipe
from training.errors import TrainingError
from training.overrides import override, parse_settings, read_config_file


@pytest.mark.parametrize(
    ("name", "text"), [("mine.toml", "epochs = 3\ndropout = 0.5"), ("mine.json", '{"epochs": 3, "dropout": 0.5}')]
)
def test_a_file_changes_fields_of_the_recipe(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    config = override(recipe("default"), read_config_file(tmp_path / name))
    assert (config.epochs, config.dropout, config.batch_size) == (3, 0.5, TrainingConfig().batch_size)


def test_words_of_the_command_line_become_numbers() -> None:
    config = override(recipe("default"), parse_settings(["learning_rate=3e-4", "frozen_blocks=-1", "optimizer=adam"]))
    assert (config.learning_rate, config.frozen_blocks, config.optimizer) == (3e-4, -1, "adam")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"epoch": 3}, "There is no configuration key 'epoch'; the nearest is 'epochs'."),
        ({"zzz": 3}, "There is no configuration key 'zzz'; the nearest is "),
        ({"epochs": "three"}, "epochs must be a whole number, and not 'three'."),
        ({"epochs": 2.5}, "epochs must be a whole number, and not 2.5."),
        ({"epochs": True}, "epochs must be a whole number, and not True."),
        ({"dropout": "nan"}, "dropout must be a number, and not 'nan'."),
        ({"dropout": [1]}, "dropout must be a number, and not [1]."),
        ({"dropout": -0.1}, "dropout must be between 0 and 0.95, and not -0.1."),
        ({"weight_decay": -1}, "weight_decay must be 0 or more, and not -1."),
        ({"optimizer": "sgd"}, "optimizer must be one of adamw, adam, and not 'sgd'."),
    ],
)
def test_what_does_not_fit_is_refused_with_what_would(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(TrainingError) as error:
        override(TrainingConfig(), changes)
    assert str(error.value).startswith(sentence)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("mine.toml", "epochs: 3", "is no TOML"),
        ("mine.json", "epochs = 3", "is no JSON"),
        ("mine.json", "[3]", "must hold one object"),
        ("mine.toml", None, "cannot be read: No such file"),
    ],
)
def test_a_file_that_is_none_is_refused(tmp_path: Path, name: str, text: str | None, words: str) -> None:
    if text:
        (tmp_path / name).write_text(text)
    with pytest.raises(TrainingError, match=words):
        read_config_file(tmp_path / name)


def test_a_setting_without_a_value_is_refused() -> None:
    with pytest.raises(TrainingError, match="--set takes KEY=VALUE"):
        parse_settings(["epochs"])
