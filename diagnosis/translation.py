"""What is said in the language of whoever asks: the engine's sentences, numbers, enumerations."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.formats import get_format
from django.utils.translation import gettext as _

from diagnosis.engine.sentences import Sentence


def translated(text: str) -> str:
    """Say a sentence of the engine, which is English, in the language that is active; other text stays as it is."""
    if not isinstance(text, Sentence):
        return text
    facts = {name: translated(fact) if isinstance(fact, str) else fact for name, fact in text.facts.items()}
    return _(text.template).format(**facts)


def decimal(number: str) -> str:
    """Write a number, in which a point stands before the decimals, as the language does."""
    return number.replace(".", str(get_format("DECIMAL_SEPARATOR")))


def enumerated(words: Iterable[str]) -> str:
    """Write “a, b and c”."""
    *others, last = words
    return _("{others} and {last}").format(others=", ".join(others), last=last) if others else last
