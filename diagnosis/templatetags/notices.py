from __future__ import annotations

from django.template import Context, Library

from diagnosis import notices
from diagnosis.reviewing import drift

register = Library()


@register.simple_tag(takes_context=True)
def platform_notices(context: Context) -> list[str]:
    """What is wrong with the platform; to those who answer for it also that its network may no longer be right."""
    warning = drift.warning_for(context["user"])
    return [*notices.platform().notices, *([warning] if warning else [])]
