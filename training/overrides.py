"""A recipe with some of its fields changed: from a file, from the command line. What does not fit is refused."""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Iterable
from dataclasses import fields, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from training.config import TrainingConfig
from training.errors import TrainingError

#: Lowest and highest value; other numbers must only not be negative.
_RANGES: dict[str, tuple[float, float]] = {
    "validation_fraction": (0.01, 0.9),
    "share_from_imagenet": (0, 1),
    "frozen_blocks": (-1, 13),
    "dropout": (0, 0.95),
    "epochs": (1, 100_000),
    "batch_size": (1, 100_000),
    "learning_rate": (1e-12, 100),
    "warm_up": (0, 0.99),
    "label_smoothing": (0, 0.99),
    "ema_momentum": (0, 0.99999),
    "augmentation_threads": (1, 256),
    "fraction": (0.001, 1),
}
_CHOICES: dict[str, tuple[str, ...]] = {
    "optimizer": ("adamw", "adam"),
    "schedule": ("cosine", "inverse_time"),
    "augmented": ("all", "repeats"),
    "judged_by": ("auroc", "loss"),
}


def override(config: TrainingConfig, changes: dict[str, Any]) -> TrainingConfig:
    """Return ``config`` with ``changes``. Raises TrainingError where a name is unknown or a value out of range."""
    known = {field.name: type(field.default) for field in fields(TrainingConfig)}
    for name in changes:
        if name not in known:
            near = get_close_matches(name, known, n=1, cutoff=0)[0]
            raise TrainingError(f"There is no configuration key {name!r}; the nearest is {near!r}.")
    return replace(config, **{name: _checked(name, known[name], value) for name, value in changes.items()})


def read_config_file(path: Path) -> dict[str, Any]:
    """Return the fields that a ``.toml`` or ``.json`` file sets."""
    try:
        found = tomllib.loads(text) if (text := path.read_text()) and path.suffix != ".json" else json.loads(text)
    except OSError as error:
        raise TrainingError(f"The configuration {path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        kind = "JSON" if path.suffix == ".json" else "TOML"
        raise TrainingError(f"The configuration {path} is no {kind}: {error}.") from error
    if not isinstance(found, dict):
        raise TrainingError(f"The configuration {path} must hold one object with fields of a recipe.")
    return found


def parse_settings(settings: Iterable[str]) -> dict[str, Any]:
    """Return the fields that ``KEY=VALUE`` words set; values are still text."""
    pairs = [setting.partition("=") for setting in settings]
    for name, equals, _ in pairs:
        if not equals:
            raise TrainingError(f"--set takes KEY=VALUE, for example learning_rate=0.0003, and not {name!r}.")
    return {name.strip(): value.strip() for name, _, value in pairs}


def _checked(name: str, kind: type, value: Any) -> Any:
    if kind is str:
        if value not in _CHOICES.get(name, (value,)):
            raise TrainingError(f"{name} must be one of {', '.join(_CHOICES[name])}, and not {value!r}.")
        return str(value)
    number = _number(name, kind, value)
    low, high = _RANGES.get(name, (0, math.inf))
    if not low <= number <= high:
        limits = f"between {low} and {high}" if high < math.inf else "0 or more"
        raise TrainingError(f"{name} must be {limits}, and not {value}.")
    return number


def _number(name: str, kind: type, value: Any) -> int | float:
    try:
        if isinstance(value, bool) or (kind is int and isinstance(value, float)):
            raise ValueError
        number: int | float = kind(value)
        if not math.isfinite(number):
            raise ValueError
    except (TypeError, ValueError):
        wanted = "a whole number" if kind is int else "a number"
        raise TrainingError(f"{name} must be {wanted}, and not {value!r}.") from None
    return number
