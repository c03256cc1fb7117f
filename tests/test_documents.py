"""What the documents say is so: links lead somewhere, tables are complete, figures are those of the card."""

from __future__ import annotations

import ast
import hashlib
import hmac
import json
import re
import time
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pytest

from diagnosis.webhooks.signing import signature
from tests.conftest import BUNDLED_MODEL
from tests.documents import ROOT, blocks, documents, first_cells, prose

VARIABLE = re.compile(r"PNEUMODETECT_[A-Z0-9_]+")
READERS = {"get", "flag", "host_names", "whole", "positive", "origins", "whole_number"}
#: Of the client, which reads its own.
OF_THE_CLIENT = {"PNEUMODETECT_TOKEN"}
CARD_ROWS = {
    "validation": "as they are",
    "validation_perturbed": "blurred, noisy, compressed, darker, turned a little",
    "validation_reframed": "framed otherwise: closer around the lungs, or more around them",
    "validation_exchanged": "with the other class's sharpness, grey values and proportions",
    "validation_strongly_changed": "changed as in training and up to twice as much",
}


# Links


def targets(path: Path) -> list[str]:
    text = prose(path)
    found = [*re.findall(r"\]\(([^)\s]+)\)", text), *re.findall(r'(?:src|srcset|href)="([^"]+)"', text)]
    return [each for each in found if not re.match(r"[a-z]+:", each)]


def anchors(path: Path) -> set[str]:
    heads = re.findall(r"^#+ (.+)$", prose(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("path", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_to_a_file_and_to_a_heading_that_is_there(path: Path) -> None:
    for target in targets(path):
        file, _, anchor = target.partition("#")
        there = (path.parent / file).resolve() if file else path
        assert there.exists(), target
        assert not anchor or anchor in anchors(there), target


@pytest.mark.parametrize("document", ["docs/decisions.md", "README.md", "SECURITY.md", "docs/training.md"])
def test_every_path_that_a_document_names_is_there(document: str) -> None:
    folders = "|".join(
        ("bench", "clients", "diagnosis", "docs", "pneumodetect", "static", "templates", "tests", "training")
    )
    named = re.findall(rf"`((?:{folders})/[\w./-]*)`", prose(ROOT / document))
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_the_readme_is_one_screen_for_starting() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 100


# Tables


def read_by(path: Path) -> Iterator[str]:
    """Find the variables of the environment that a module reads."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and VARIABLE.fullmatch(node.value):
            yield node.value
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if name in READERS and re.fullmatch(r"[A-Z][A-Z0-9_]+", str(node.args[0].value)):
                yield str(node.args[0].value)


def variables() -> set[str]:
    modules = [*(ROOT / "pneumodetect").glob("*.py"), ROOT / "tests" / "conftest.py"]
    return {name for path in modules for name in read_by(path)}


def test_the_table_of_the_configuration_names_every_variable_that_is_read_and_no_other() -> None:
    assert set(first_cells("docs/configuration.md")) == variables()


def test_no_document_names_a_variable_that_is_not_read() -> None:
    for path in documents():
        assert set(VARIABLE.findall(path.read_text())) <= variables() | OF_THE_CLIENT, path


def test_the_table_of_commands_names_every_command_and_no_other() -> None:
    folders = [ROOT / room / "management" / "commands" for room in ("diagnosis", "training")]
    commands = {path.stem for folder in folders for path in folder.glob("[a-z]*.py")}
    assert set(first_cells("docs/commands.md")) == commands


# Figures


def rounded(value: float, places: str, factor: int = 1) -> str:
    return str((Decimal(str(value)) * factor).quantize(Decimal(places), ROUND_HALF_UP))


def with_interval(value: float, low: float, high: float, *, percent: bool) -> str:
    places, factor, sign = ("0.1", 100, " %") if percent else ("0.001", 1, "")
    value_, low_, high_ = (rounded(each, places, factor) for each in (value, low, high))
    return f"{value_}{sign} ({low_}–{high_})"


def cells(figures: dict[str, Any], **names: bool) -> list[str]:
    """Write figures as the model card does; each name says whether it is a percentage."""
    return [with_interval(*(figures[name][key] for key in ("value", "low", "high")), percent=percent)
            for name, percent in names.items()]  # fmt: skip


@pytest.fixture(scope="module")
def page() -> str:
    return (ROOT / "docs" / "model-card.md").read_text()


@pytest.fixture(scope="module")
def card() -> dict[str, Any]:
    return dict(json.loads((BUNDLED_MODEL / "card.json").read_text()))


@pytest.mark.parametrize("images", CARD_ROWS)
def test_the_model_card_has_the_figures_of_the_card(images: str, page: str, card: dict[str, Any]) -> None:
    figures = card["metrics"][images]
    shown = cells(figures, auroc=False, accuracy=True, sensitivity=True, specificity=True, ece=False, brier=False)
    number = f"{figures['images']:,}"
    assert f"| {' | '.join([CARD_ROWS[images], number, *shown])} |" in page


def test_the_model_card_has_the_facts_of_the_card(page: str, card: dict[str, Any]) -> None:
    data, training = card["data"], card["training"]
    for fact in (
        f"`{card['version']}`",
        card["created"][:10],
        card["architecture"],
        f"a probability of {rounded(card['threshold'], '0.001')} on",
        f"from {rounded(card['band_low'], '0.001')} to {rounded(card['band_high'], '0.001')}",
        f"{training['config']['epochs']} epochs, {training['minutes']} minutes",
        data["source"],
        f"{data['training']['images']:,} images of {data['training']['patients']:,} patients",
        f"{data['validation']['images']} of {data['validation']['patients']} in validation",
        data["fingerprint"][:12],
    ):
        assert fact in " ".join(page.split()), fact


def test_the_model_card_has_what_was_measured_at_another_hospital(page: str) -> None:
    (nih,) = json.loads((ROOT / "diagnosis" / "external_results.json").read_text())
    groups = nih["subgroups"]
    rows = {
        "all": nih,
        **{name: groups["age"][name] for name in ("18 to 39", "40 to 64", "65 and over")},
        "5 to 17 years": groups["age"]["5 to 17"],
        "female": groups["sex"]["F"],
        "male": groups["sex"]["M"],
        "from behind (PA)": groups["view"]["PA"],
        "from the front (AP)": groups["view"]["AP"],
    }
    for name, figures in rows.items():
        shown = [
            with_interval(figures[key], *figures["intervals"][key], percent=key != "auroc")
            for key in ("auroc", "sensitivity", "specificity")
        ]
        assert f"| {' | '.join([name, str(figures['n']), *shown])} |" in page, name


def test_the_model_card_says_what_the_gate_refused(page: str, card: dict[str, Any]) -> None:
    figures = card["gate"]["figures"]["out_of_fold"]
    turned = [figures[kind] for kind in ("inverted", "upside_down", "quarter_left", "quarter_right")]
    left_out = card["gate"]["figures"]["kind_left_out"]
    for counts in ([figures["training"]], [figures["nih, changed"]], turned, [left_out["collage"]]):
        refused, images = (sum(each[key] for each in counts) for key in ("refused", "images"))
        assert f"| {refused:,} of {images:,} |" in page


# Code


def test_the_signature_that_receivers_are_told_to_check_is_the_one_that_is_sent() -> None:
    (code,) = (block.text for block in blocks("docs/webhooks.md") if block.language == "python")
    room: dict[str, Any] = {"hmac": hmac, "hashlib": hashlib, "time": time}
    exec(code, room)
    now, body = int(time.time()), b'{"event": "prediction.final"}'
    sent = signature(["a secret", "an earlier one"], now, body)
    assert room["is_from_pneumodetect"]("an earlier one", sent, body)
    assert not room["is_from_pneumodetect"]("a secret", sent, body + b" ")
    assert not room["is_from_pneumodetect"]("a secret", signature(["a secret"], now - 400, body), body)
