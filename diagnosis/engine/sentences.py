"""Sentences for people. They are English, and remember what they were made of, to be said in another language."""

from __future__ import annotations

from typing import Any, Self


class Sentence(str):
    """``template`` with ``facts`` put into its {braces}; a fact may be a sentence as well.

    To whoever knows nothing of this it is an ordinary text.
    """

    template: str
    facts: dict[str, Any]

    @classmethod
    def from_dict(cls, parts: dict[str, Any]) -> Self:
        """Read what :meth:`as_dict` wrote."""
        facts = {
            name: cls.from_dict(fact) if isinstance(fact, dict) else fact for name, fact in parts["facts"].items()
        }
        return cls._of(parts["template"], facts)

    def as_dict(self) -> dict[str, Any]:
        """Return the parts, as JSON holds them."""
        facts = {name: fact.as_dict() if isinstance(fact, Sentence) else fact for name, fact in self.facts.items()}
        return {"template": self.template, "facts": facts}

    @classmethod
    def _of(cls, template: str, facts: dict[str, Any]) -> Self:
        made = cls(template.format(**facts))
        made.template, made.facts = template, facts
        return made


def sentence(template: str, **facts: str | int) -> Sentence:
    """Make a sentence. The template, written out where this is called, is what the catalogs of languages list."""
    return Sentence._of(template, facts)
