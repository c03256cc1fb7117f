"""The catalogs of languages: every sentence that is marked has its translation, and what is compiled is up to date."""

from __future__ import annotations

import io
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo

from pneumodetect import messages  # noqa: TID251

CATALOGS = sorted(messages.LOCALE.glob("*/LC_MESSAGES/django.po"))
#: What a translation must hold as often as the sentence does: places for facts, and tags.
PLACES = re.compile(r"%\(\w+\)s|\{\w+\}|</?\w+[^>]*>")


@pytest.fixture(scope="module")
def wanted() -> Catalog:
    return messages.template()


@pytest.fixture(scope="module", params=CATALOGS, ids=lambda path: path.parent.parent.name)
def path(request: Any) -> Path:
    return Path(request.param)


@pytest.fixture(scope="module")
def catalog(path: Path) -> Catalog:
    return messages.read(path)


def keys_of(catalog: Catalog) -> set[Any]:
    return {(message.context or "", message.id) for message in catalog if message.id}


def forms_of(message: Message) -> list[tuple[str, str]]:
    """Return each form of a translation beside the English one that it stands for."""
    if isinstance(message.id, str):
        return [(message.id, str(message.string))]
    return [(message.id[min(number, 1)], text) for number, text in enumerate(message.string or ())]


def test_there_is_a_catalog() -> None:
    assert [path.parent.parent.name for path in CATALOGS] == ["de"]


def test_every_marked_sentence_is_in_the_catalog_and_nothing_else(catalog: Catalog, wanted: Catalog) -> None:
    assert keys_of(wanted) - keys_of(catalog) == set(), "make messages, then translate them"
    assert keys_of(catalog) - keys_of(wanted) == set(), "make messages"
    assert not catalog.obsolete


def test_every_sentence_is_translated_and_no_translation_is_doubted(catalog: Catalog) -> None:
    assert [message.id for message in catalog if message.id and not messages.is_translated(message)] == []


def test_a_translation_has_the_same_places_for_facts_and_the_same_tags(catalog: Catalog) -> None:
    for message in catalog:
        for english, text in forms_of(message) if message.id else []:
            assert Counter(PLACES.findall(english)) == Counter(PLACES.findall(text)), text
            assert len(english) - len(english.strip()) == len(text) - len(text.strip()), text


def test_what_is_compiled_is_up_to_date(path: Path, catalog: Catalog) -> None:
    compiled = io.BytesIO()
    write_mo(compiled, catalog)
    assert path.with_suffix(".mo").read_bytes() == compiled.getvalue(), "make messages"


def test_marks_are_found_under_whatever_name_in_python() -> None:
    source = (
        "from django.utils.translation import gettext as _, ngettext, pgettext_lazy\n"
        "from diagnosis.engine.sentences import sentence\n"
        "a = _('one'), ngettext('two', 'twos', n), pgettext_lazy('when', 'three'), sentence('four ' 'five', x=1)\n"
        "b = _(variable), other('six')\n"
    )
    assert [message[:3] for message in messages.of_python(source, "")] == [
        ("one", "", ""),
        ("two", "twos", ""),
        ("three", "", "when"),
        ("four five", "", ""),
    ]


@pytest.mark.parametrize("text", ["f'one {x}'", "'one ' + x", "'one %s' % x"])
def test_a_sentence_that_is_put_together_before_it_is_translated_is_noticed(text: str) -> None:
    with pytest.raises(ValueError, match="line 2: mark a plain text"):
        list(messages.of_python(f"from django.utils.translation import gettext as _\n_({text})", ""))


def test_marks_are_found_in_templates() -> None:
    source = (
        '{% translate "one" %} {% translate "two" context "when" %} {{ x|default:_("three") }}'
        "{% blocktranslate trimmed with y=1 %}\n  four\n  {{ y }} % {% endblocktranslate %}"
        "{% blocktranslate count n=n %}five {{ n }}{% plural %}fives {{ n }}{% endblocktranslate %}"
    )
    assert [message[:3] for message in messages.of_template(source, "")] == [
        ("one", "", ""),
        ("two", "", "when"),
        ("three", "", ""),
        ("four %(y)s %%", "", ""),
        ("five %(n)s", "fives %(n)s", ""),
    ]
