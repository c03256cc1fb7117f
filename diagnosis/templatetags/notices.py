from __future__ import annotations

from django.template import Library

from diagnosis import notices

register = Library()


@register.simple_tag
def platform_notices() -> list[str]:
    return notices.platform().notices
