"""Whatever is sent to the API, by its schema or against it: it answers as the schema says, and never with a fault."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.calls import Caller
from tests.live import ROOT, LivePlatform

CONFIGURATION = ROOT / "tests" / "schemathesis.toml"


@pytest.fixture
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivePlatform]:
    """One of its own: so many failed log-ins would lock the other tests out, too."""
    platform = LivePlatform(tmp_path_factory.mktemp("schemathesis")).wait_until_ready()
    yield platform
    platform.stop()


def test_the_api_keeps_what_its_schema_promises(platform: LivePlatform, tmp_path: Path) -> None:
    token = Caller(platform.url, platform.username, platform.password).headers["Authorization"]
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIGURATION), "run"]
    options = ["--header", f"Authorization: {token}", "--suppress-health-check", "all", "--workers", "2"]
    done = subprocess.run(
        [*command, f"{platform.url}/api/v1/schema/", *options],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No issues found" in done.stdout or " passed" in done.stdout
    assert "Traceback" not in (platform.data_dir / "logs" / "web.log").read_text()
