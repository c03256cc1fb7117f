from __future__ import annotations

from allauth.account.adapter import get_adapter
from django.http import HttpRequest
from django.template import Context, Library

register = Library()


@register.simple_tag(takes_context=True)
def signup_is_open(context: Context) -> bool:
    """Whether everybody may make an account, as the one who decides it for the sign-up page says."""
    request: HttpRequest = context["request"]
    return bool(get_adapter(request).is_open_for_signup(request))
