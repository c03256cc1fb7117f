"""The header by which a receiver knows that a call came from here, unchanged and just now."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable

HEADER = "PneumoDetect-Signature"


def signature(secrets: Iterable[str], moment: int, body: bytes) -> str:
    """Return the header's value: the seconds since 1970, and a signature for each secret that is in use."""
    signed = f"{moment}.".encode() + body
    found = [hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest() for secret in secrets]
    return ",".join([f"t={moment}", *(f"v1={each}" for each in found)])
