"""What the environment says: read here, checked here, and refused at start with a hint where it is nonsense."""

from __future__ import annotations

import ipaddress
import os
import re
import zoneinfo
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key

BASE_DIR = Path(__file__).resolve().parent.parent


def whole(name: str, default: int, least: int) -> int:
    text = os.environ.get(name) or str(default)
    if not text.isdecimal() or int(text) < least:
        raise ImproperlyConfigured(
            f"{name} is {text!r}; it must be a whole number of {least} or more, such as {default}."
        )
    return int(text)


def positive(name: str, default: int) -> int:
    return whole(name, default, least=1)


def flag(name: str) -> bool:
    text = os.environ.get(name, "").strip().lower()
    if text not in ("", "0", "1", "true", "false", "on", "off", "yes", "no"):
        raise ImproperlyConfigured(f"{name} is {text!r}; it must be 1 (on) or 0 (off).")
    return text in ("1", "true", "on", "yes")


def is_training_offered() -> bool:
    name = os.environ.get("PNEUMODETECT_TRAINING_DATA_DIR")
    if name and not Path(name).is_dir():
        raise ImproperlyConfigured(
            f"PNEUMODETECT_TRAINING_DATA_DIR is {name!r}; it must be a folder below which the training data lies, "
            "or unset, and then no training can be started from the admin pages."
        )
    return bool(name)


def private_networks() -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    name = "PNEUMODETECT_WEBHOOKS_ALLOW_PRIVATE"
    text = os.environ.get(name, "").strip()
    if text.lower() in ("", "0", "false", "off", "no"):
        return []
    if text.lower() in ("1", "true", "on", "yes"):
        text = "0.0.0.0/0,::/0"
    try:
        return [ipaddress.ip_network(part.strip()) for part in text.split(",")]
    except ValueError as error:
        raise ImproperlyConfigured(
            f"{name} is {text!r}; it must be networks with commas, such as 10.20.0.0/16,127.0.0.1/32, or 1 for all."
        ) from error


def origins(name: str) -> list[str]:
    """Return the origins that a variable names, as browsers write them."""
    origins = [origin.strip() for origin in os.environ.get(name, "").split(",") if origin.strip()]
    for origin in origins:
        if not re.fullmatch(r"https?://[^/?#@\s]+", origin):
            raise ImproperlyConfigured(
                f"{name} holds {origin!r}; it must be origins without a path, with commas between them, such as "
                "https://reading.example.org,https://example.org:8443."
            )
    return origins


def host_names(name: str) -> list[str]:
    """Return the names that a variable lists: without https://, port and path, of which no browser's Host consists."""
    hosts = [host.strip() for host in os.environ.get(name, "").split(",") if host.strip()]
    for host in hosts:
        if not re.fullmatch(r"\*|\.?[\w-]+(\.[\w-]+)*\.?|\[[0-9a-fA-F:.]+\]", host):
            raise ImproperlyConfigured(
                f"{name} holds {host!r}; it must be host names alone, with commas between them, such as "
                "xray.example.org,10.20.0.5."
            )
    return hosts


def time_zone() -> str:
    name = os.environ.get("TZ") or "UTC"
    try:
        zoneinfo.ZoneInfo(name)
    except (ValueError, KeyError, OSError) as error:
        raise ImproperlyConfigured(f"TZ is {name!r}; it must name a time zone, such as Europe/Berlin.") from error
    return name


# Where everything lies that is written at run time. It holds patients' images: for the owner alone.
os.umask(0o077)
DATA_DIR = Path(os.environ.get("PNEUMODETECT_DATA_DIR") or BASE_DIR / "var").absolute()
try:
    DATA_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not os.environ.get("PNEUMODETECT_DATA_DIR"):  # whoever named a folder chose who may read it
        DATA_DIR.chmod(0o700)
except OSError as error:
    raise ImproperlyConfigured(
        f"PNEUMODETECT_DATA_DIR is {str(DATA_DIR)!r}, which cannot be made: {error.strerror}. "
        "Name a folder that you may write to."
    ) from error

DEBUG = flag("DEBUG")
LOCAL_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
ALLOWED_HOSTS = host_names("ALLOWED_HOSTS") or LOCAL_HOSTS
IS_PUBLIC = bool(set(ALLOWED_HOSTS) - set(LOCAL_HOSTS))


def public_url() -> str:
    url = os.environ.get("PNEUMODETECT_URL") or (
        f"https://{ALLOWED_HOSTS[0].lstrip('.')}"
        if IS_PUBLIC
        else f"http://127.0.0.1:{os.environ.get('PNEUMODETECT_PORT') or 8000}"
    )
    if not url.startswith(("http://", "https://")):
        raise ImproperlyConfigured(f"PNEUMODETECT_URL is {url!r}; it must look like https://pneumodetect.example.org.")
    return url.rstrip("/")


def secret_key() -> str:
    """Return SECRET_KEY, or on a machine that serves only itself the key made at the first run."""
    if key := os.environ.get("SECRET_KEY"):
        return key
    if IS_PUBLIC:
        raise ImproperlyConfigured(
            "ALLOWED_HOSTS names hosts beside localhost, so SECRET_KEY must be set too: a long random text that "
            'stays the same, such as the output of: python3 -c "import secrets; print(secrets.token_urlsafe(50))"'
        )
    path = DATA_DIR / "secret_key"
    try:
        return _kept_key(path)
    except OSError as error:
        raise ImproperlyConfigured(
            f"{path} cannot be read or written: {error.strerror}. Run this as the user to whom {DATA_DIR} belongs, "
            "or name a PNEUMODETECT_DATA_DIR of your own."
        ) from error


def _kept_key(path: Path) -> str:
    if not path.exists():
        # Linked into place, so that of several processes that start at once only the first one's key counts.
        fresh = path.with_name(f"secret_key.{os.getpid()}")
        fresh.touch(mode=0o600)
        fresh.write_text(get_random_secret_key())
        try:
            os.link(fresh, path)
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return path.read_text()
