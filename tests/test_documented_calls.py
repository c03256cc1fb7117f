"""The calls that README and the API's document show do what is said of them: each is run as it stands there."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from diagnosis.models import Prediction
from tests.documents import Block, blocks
from tests.drawings import jpeg_bytes
from tests.live import PASSWORD, LivePlatform

pytestmark = pytest.mark.skipif(not shutil.which("curl"), reason="there is no curl")
ANYTHING = "…"


def steps(document: str) -> list[tuple[str, Block | None]]:
    """Return each block of commands that calls the API, with the answer that is shown after it."""
    found = blocks(document)
    return [
        (block.text, after if after and after.language in ("json", "text") else None)
        for block, after in zip(found, [*found[1:], None], strict=True)
        if block.language == "sh" and ("curl " in block.text or "TOKEN=" in block.text)
    ]


def differences(shown: Any, given: Any, place: str = "") -> list[str]:
    """Hold an answer against the one that is shown: same keys, same kinds, texts that agree but for their ``…``.

    A list holds what is shown of it, among what other tests have left there.
    """
    if shown == ANYTHING:
        return []
    if isinstance(shown, dict) and isinstance(given, dict):
        missing = [f"{place}.{key} is missing" for key in shown.keys() - given.keys() - {ANYTHING}]
        untold = [] if ANYTHING in shown else [f"{place}.{key} is not shown" for key in given.keys() - shown.keys()]
        both = shown.keys() & given.keys()
        return [
            *missing,
            *untold,
            *(each for key in both for each in differences(shown[key], given[key], f"{place}.{key}")),
        ]
    if isinstance(shown, list) and isinstance(given, list):
        found = [[differences(one, other, f"{place}[]") for other in given] for one in shown]
        return [each for candidates in found for each in min(candidates, key=len, default=[f"{place} is empty"])]
    return (
        [] if are_alike(shown, given, is_exact=place.endswith(".status")) else [f"{place} is {given!r}, not {shown!r}"]
    )


def are_alike(shown: Any, given: Any, *, is_exact: bool) -> bool:
    if is_exact and shown == "pending":  # until a worker has it, which is soon
        return given in (Prediction.Status.PENDING, Prediction.Status.RUNNING, Prediction.Status.SUCCEEDED)
    if isinstance(shown, str) and isinstance(given, str):
        pattern = re.sub(r"\d{4}-\d\d-\d\dT[\d:]+Z", ANYTHING, shown)
        return bool(re.fullmatch(".*".join(map(re.escape, pattern.split(ANYTHING))), given, re.DOTALL))
    return shown == given if is_exact else type(shown) is type(given)


def run(commands: list[str], platform: LivePlatform, folder: Path) -> list[tuple[str, bool]]:
    """Run the blocks in one bash, in a folder of their own; return what each prints, and whether a command failed."""
    (folder / ".curlrc").write_text("fail-with-body\nmax-time = 20\n")
    mark = "printf '\\n----%s\\n' $failed; failed=0"
    script = "\n".join(["set -uo pipefail; failed=0; trap failed=1 ERR", *(f"{each}{mark}" for each in commands)])
    script = script.replace("http://127.0.0.1:8000", platform.url).replace("PASSWORD=…", f"PASSWORD='{PASSWORD}'")
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "CURL_HOME": str(folder), "LANG": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    parts = re.split(r"\n----(\d)\n", done.stdout)
    return [(said, failed == "1") for said, failed in zip(parts[::2], parts[1::2], strict=False)]


def wrong_with(shown: Block | None, said: str, *, failed: bool) -> list[str]:
    if shown is None:
        return ["a command failed"] if failed else []
    if shown.language == "text":
        return [] if said.strip() == shown.text.strip() else [f"{said!r} was said"]
    answer = json.loads(shown.text)
    is_problem = isinstance(answer.get("status"), int)
    return [*differences(answer, json.loads(said)), *(["a command failed"] if failed and not is_problem else [])]


@pytest.mark.parametrize("document", ["README.md", "docs/api.md"])
def test_the_calls_that_a_document_shows_are_answered_as_it_shows(
    document: str, live_platform: LivePlatform, tmp_path: Path
) -> None:
    (tmp_path / "chest.jpg").write_bytes(jpeg_bytes(1400, 1100))
    shown = steps(document)
    said = run([commands for commands, _ in shown], live_platform, tmp_path)
    assert len(said) == len(shown) > 0
    for (commands, answer), (output, failed) in zip(shown, said, strict=True):
        assert wrong_with(answer, output.replace(live_platform.url, "http://127.0.0.1:8000"), failed=failed) == [], (
            commands
        )
