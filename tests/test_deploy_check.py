"""The set-up for production leaves nothing for ``check --deploy`` to say; what is watched without TLS stays so."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.live import clean_environment
from tests.test_settings import ROOT

PUBLIC = {
    "ALLOWED_HOSTS": "xray.example.org",
    "SECRET_KEY": "YwFwzj3QmZlI0pX7uJc6c2S1oKq9d8s5bV4nEaTtRrGgHhLkUuVvWwXx",
}


def run(tmp_path: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    folder = {"PNEUMODETECT_DATA_DIR": str(tmp_path / "var")}
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env={**clean_environment(), **folder, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def check(tmp_path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return run(tmp_path, "manage.py", "check", "--deploy", "--fail-level", "DEBUG", **PUBLIC | environment)


def test_what_production_is_told_to_set_leaves_no_issue(tmp_path: Path) -> None:
    done = check(tmp_path)
    assert "System check identified no issues (2 silenced)" in done.stdout + done.stderr
    assert done.returncode == 0


def test_what_weakens_it_is_an_issue(tmp_path: Path) -> None:
    done = check(tmp_path, DEBUG="1", SECRET_KEY="short", PNEUMODETECT_HSTS_SECONDS="0")
    assert done.returncode == 1
    assert set(re.findall(r"security\.W\d+", done.stderr)) == {"security.W004", "security.W009", "security.W018"}


ASKING = """
import django; django.setup()
from django.test import Client
for path, headers in (("/", {}), ("/healthz", {}), ("/", {"X-Forwarded-Proto": "https"})):
    answer = Client().get(path, headers={"Host": "xray.example.org", **headers})
    print(answer.status_code, answer.headers.get("Location", ""), answer.headers.get("Strict-Transport-Security", ""))
"""


def test_people_are_sent_to_https_and_what_watches_over_the_server_is_not(tmp_path: Path) -> None:
    environment = {"DJANGO_SETTINGS_MODULE": "pneumodetect.settings", **PUBLIC}
    plain, watched, safe = run(tmp_path, "-c", ASKING, **environment).stdout.splitlines()
    assert plain == "301 https://xray.example.org/ "
    assert watched == "200  "
    assert safe == "302 /accounts/login/?next=/ max-age=3600"


STAND_IN = """
def init(**options):
    print("told", options["dsn"], options["send_default_pii"], options["include_local_variables"])
    told = {"user": {"username": "alice"}, "breadcrumbs": [1], "extra": {"sys.argv": ["alice"]}}
    told["request"] = {"method": "POST", "url": "/?search=Erika"}
    print(options["before_send"](told, {}))
"""
ADDRESS = "https://key@errors.example.org/1"


def test_errors_are_reported_without_persons_where_an_address_is_set(tmp_path: Path) -> None:
    (tmp_path / "sentry_sdk.py").write_text(STAND_IN)
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    done = run(tmp_path, "-c", "import pneumodetect.settings", SENTRY_DSN=ADDRESS, PYTHONPATH=path)
    assert done.stdout == f"told {ADDRESS} False False\n{{'request': {{'method': 'POST'}}}}\n"


def test_an_address_for_errors_without_the_package_is_one_sentence(tmp_path: Path) -> None:
    code = "import importlib.util as u, sys; find = u.find_spec; "
    code += "u.find_spec = lambda name, *more: None if name == 'sentry_sdk' else find(name, *more); "
    done = run(tmp_path, "-c", code + "import pneumodetect.settings", SENTRY_DSN=ADDRESS)
    assert "SENTRY_DSN is set, and sentry-sdk is not installed" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("environment", "hint"),
    [
        ({"PNEUMODETECT_LOG_FORMAT": "xml"}, "must be line or json"),
        ({"PNEUMODETECT_METRICS_TOKEN": "short"}, "16 characters or more"),
        ({"PNEUMODETECT_HSTS_SECONDS": "long", **PUBLIC}, "whole number of 0 or more"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused_with_a_hint(
    tmp_path: Path, environment: dict[str, str], hint: str
) -> None:
    done = run(tmp_path, "-c", "import pneumodetect.settings", **environment)
    assert hint in done.stderr.splitlines()[-1]
    assert next(iter(environment)) in done.stderr.splitlines()[-1]
