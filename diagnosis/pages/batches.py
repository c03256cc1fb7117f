"""What the upload page says and takes of an upload of many, which it sends file by file."""

from __future__ import annotations

import re
import uuid
from typing import Any

from django.http import HttpRequest

from diagnosis.people.models import MailSettings, Together

#: The page's own id, and the number of what was dropped on it at once.
KEY = re.compile(r"[0-9a-f-]{36}\.\d{1,6}")


def batch_of(request: HttpRequest) -> Together:
    """Return what the page says of the upload that the files are a part of."""
    key, files = request.POST.get("batch", ""), request.POST.get("batch_files", "")
    is_known = KEY.fullmatch(key) and files.isdecimal() and len(files) < 7
    return Together(key if is_known else "", int(files) if is_known else 0, "by_mail" in request.POST)


def batch_facts(request: HttpRequest) -> dict[str, Any]:
    return {"batch_key": uuid.uuid4(), "mail_settings": MailSettings.of(request.user)}
