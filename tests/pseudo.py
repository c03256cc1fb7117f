"""A language in which every translated text stands in ⟦brackets⟧: what is seen outside of them is marked nowhere."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest
from django.utils import translation

_TRANSLATE = ("gettext", "ngettext", "pgettext", "npgettext")
#: Attributes that are read by people.
READ = {"alt", "aria-label", "content", "placeholder", "title"}
#: Elements whose text is no language: names, code, what is not shown.
_NO_LANGUAGE = {"bdi", "code", "kbd", "pre", "script", "style"}
_WORD = re.compile(r"[^\W\d_]{2,}")
_INNERMOST = re.compile(r"⟦[^⟦⟧]*⟧")


def speak(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let all translations stand in brackets until the end of the test."""
    for name in _TRANSLATE:
        known: Callable[..., str] = getattr(translation._trans, name)  # type: ignore[attr-defined]  # its back end
        monkeypatch.setattr(translation._trans, name, _bracketed(known))  # type: ignore[attr-defined]


def _bracketed(known: Callable[..., str]) -> Callable[..., str]:
    def translate(*texts: Any) -> str:
        found = known(*texts)
        # Kept safe for HTML where it was, and a blank remains one.
        return type(found)(f"⟦{found}⟧") if found.strip() else found

    return translate


def unmarked(text: str, allowed: re.Pattern[str]) -> list[str]:
    """Return those lines of a text that hold a word outside of brackets, and one that is not ``allowed`` to be."""
    while text != (text := _INNERMOST.sub(" ", text)):
        pass
    return [" ".join(line.split()) for line in allowed.sub(" ", text).splitlines() if _WORD.search(line)]


class _Reader(HTMLParser):
    """Collects what people read of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.read: list[str] = []
        self._open: list[bool] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        facts = dict(attributes)
        if tag not in _VOID:
            is_version = "version" in (facts.get("class") or "").split()
            self._open.append(tag in _NO_LANGUAGE or is_version)
        self.read += [str(value) for name, value in attributes if _is_read(tag, name, facts)]

    def handle_endtag(self, tag: str) -> None:
        if tag not in _VOID and self._open:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if not any(self._open):
            self.texts.append(data)


_VOID = {"input", "br", "img", "link", "meta", "hr", "source", "wbr"}


def _is_read(tag: str, name: str, facts: dict[str, str | None]) -> bool:
    if name == "content":
        return facts.get("name") == "description"
    if name == "value":
        return tag == "input" and facts.get("type") in ("submit", "button", "reset")
    words = len((facts[name] or "").split())
    return name in READ or (name.startswith("data-") and words > 3)


def text_of(page: str) -> str:
    """Return what people read of a page, an element a line: a sentence in brackets may hold several."""
    reader = _Reader()
    reader.feed(page)
    return "\n".join([*reader.texts, *reader.read])
