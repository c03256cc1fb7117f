"""Where the command line keeps the token: in a file that its owner alone can read."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from pneumodetect_client.errors import ClientError

DEFAULT_URL = "http://127.0.0.1:8000"


@dataclass(frozen=True)
class Login:
    url: str
    token: str


def place() -> Path:
    folder = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(folder) / "pneumodetect" / "client.json"


def save(login: Login) -> None:
    path = place()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_suffix(f".{os.getpid()}")
    # Made for its owner alone from the start, and put in place as a whole.
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(asdict(login), file)
    fresh.replace(path)


def load(url: str | None) -> Login:
    """Return the login of the environment, or the one that was saved. Raises ClientError where there is none."""
    url = url or os.environ.get("PNEUMODETECT_URL")
    if token := os.environ.get("PNEUMODETECT_TOKEN"):
        return Login(url or DEFAULT_URL, token)
    try:
        saved = Login(**json.loads(place().read_text()))
    except FileNotFoundError:
        raise ClientError("You are not logged in. Run: pneumodetect-client login") from None
    except (OSError, ValueError, TypeError) as error:
        raise ClientError(f"{place()} cannot be read ({error}). Run: pneumodetect-client login") from error
    if url and url.rstrip("/") != saved.url.rstrip("/"):  # a token is for the server that gave it
        raise ClientError(f"You are logged in to {saved.url}. Run: pneumodetect-client login --url {url}")
    return saved
