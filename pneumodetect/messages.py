"""Brings the catalogs of languages up to date: python -m pneumodetect.messages (make messages).

It finds every sentence that is marked for translation, in Python, in templates and in the figures of other hospitals,
writes those that are new into each ``django.po``, drops those that are gone, and compiles ``django.mo``. Needs Babel,
which is in tests/requirements.txt, and no GNU gettext.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

ROOT = Path(__file__).parent.parent
LOCALE = ROOT / "diagnosis" / "locale"
ROOMS = ("diagnosis", "pneumodetect", "training")
FIGURES = ROOT / "diagnosis" / "external_results.json"

#: The functions that mark a sentence: whether a context comes first, and whether a plural follows.
MARKS = {
    "gettext": (False, False),
    "gettext_lazy": (False, False),
    "gettext_noop": (False, False),
    "sentence": (False, False),
    "ngettext": (False, True),
    "ngettext_lazy": (False, True),
    "pgettext": (True, False),
    "pgettext_lazy": (True, False),
    "npgettext": (True, True),
    "npgettext_lazy": (True, True),
}
_HOMES = ("django.utils.translation", "diagnosis.engine.sentences")
#: A call as templatize writes it: a name, and literals.
_LITERAL = r"""u?(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
_CALL = re.compile(rf"\b(_|n?p?gettext)\(((?:{_LITERAL}(?:,\s*)?)+)(?:count)?\)")


class Marked(NamedTuple):
    """``plural`` and ``context`` are empty where there is none; ``place`` is the file, from the top of the project."""

    text: str
    plural: str
    context: str
    place: str

    @property
    def key(self) -> tuple[str, ...] | str:
        return (self.text, self.plural) if self.plural else self.text


def marked() -> Iterator[Marked]:
    """Yield every marked sentence, file by file."""
    for path in sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py")):
        yield from of_python(path.read_text(encoding="utf-8"), _place(path))
    for path in sorted((ROOT / "templates").rglob("*.*")):
        yield from of_template(path.read_text(encoding="utf-8"), _place(path))
    for report in json.loads(FIGURES.read_text(encoding="utf-8")):
        yield from (Marked(report[name], "", "", _place(FIGURES)) for name in ("title", "source"))


def _place(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def of_python(source: str, place: str) -> Iterator[Marked]:
    """Raises ValueError where what is marked is put together before it is translated, and so found in no catalog."""
    tree = ast.parse(source)
    names = {
        alias.asname or alias.name: alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module in _HOMES
        for alias in node.names
        if alias.name in MARKS
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
            if any(isinstance(part, ast.JoinedStr | ast.BinOp) for part in node.args):
                raise ValueError(f"{place}, line {node.lineno}: mark a plain text, with {{names}} for what it holds.")
            texts = [
                part.value for part in node.args if isinstance(part, ast.Constant) and isinstance(part.value, str)
            ]
            if texts:  # else it is a variable, whose text is marked elsewhere
                yield _message(names[node.func.id], texts, place)


def of_template(source: str, place: str) -> Iterator[Marked]:
    for call in _CALL.finditer(templatize(source)):
        name = "gettext" if call[1] == "_" else call[1]
        yield _message(name, ast.literal_eval(f"[{call[2]}]"), place)


def _message(name: str, texts: list[str], place: str) -> Marked:
    has_context, has_plural = MARKS[name]
    context = texts[0] if has_context else ""
    text, *more = texts[1:] if has_context else texts
    return Marked(text, more[0] if has_plural else "", context, place)


def template() -> Catalog:
    """Return a catalog of all marked sentences, translated into no language."""
    found = Catalog(project="PneumoDetect", charset="utf-8")
    for message in marked():
        found.add(message.key, context=message.context or None, locations=[(message.place, 0)])
    return found


def read(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale=path.parent.parent.name)


def update(path: Path) -> int:
    """Bring one catalog up to date, compile it, and return how many sentences wait for a translation."""
    catalog, found = read(path), template()
    found.creation_date = catalog.creation_date  # or every run would change the file
    catalog.update(found, no_fuzzy_matching=True)
    catalog.obsolete.clear()
    with path.open("wb") as file:
        write_po(file, catalog, width=110, sort_by_file=True, include_lineno=False)
    with path.with_suffix(".mo").open("wb") as file:
        write_mo(file, catalog)
    return sum(not is_translated(message) for message in catalog if message.id)


def is_translated(message: Message) -> bool:
    """Whether each form has a translation that nobody doubts."""
    forms = [message.string] if isinstance(message.string, str) else message.string or [""]
    return all(forms) and not message.fuzzy


def main() -> None:
    for path in sorted(LOCALE.glob("*/LC_MESSAGES/django.po")):
        print(f"{path.relative_to(ROOT)}: {update(path)} sentences to translate")


if __name__ == "__main__":
    main()
