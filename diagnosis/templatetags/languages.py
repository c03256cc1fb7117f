from __future__ import annotations

from django.conf import settings
from django.template import Library

register = Library()


@register.simple_tag
def offered_languages() -> list[tuple[str, str]]:
    """Return code and name of each language, the name in that language itself: whoever looks for it reads no other."""
    return list(settings.LANGUAGES)
