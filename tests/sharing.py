"""Which tests stay together where several processes share them, as in ``make test``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from xdist.scheduler import LoadScopeScheduling

#: What needs live platforms: one at a time, or they are in one another's way; they take longest, and come first.
_PLATFORMS = (
    "backup",
    "client",
    "documented_calls",
    "end_to_end",
    "errands",
    "faults",
    "following",
    "run",
    "schemathesis",
    "upgrade",
)
LIVE = ("tests/browser/", *(f"tests/test_{name}.py" for name in _PLATFORMS))
#: What needs a browser alone.
_ALONE = ("admin_pages", "documented_pictures", "every_page", "history", "leaving_and_webhooks")
PAGES = tuple(f"tests/browser/test_{name}.py" for name in _ALONE)


def group_of(nodeid: str) -> str:
    """Return the name of the group that a test is in: the live ones, or its file."""
    file = nodeid.partition("::")[0]
    return "live" if file.startswith(LIVE) and not file.startswith(PAGES) else file


def rank(nodeid: str) -> tuple[bool, bool]:
    group = group_of(nodeid)
    return group != "live", not group.startswith(("tests/training/", *PAGES))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if "PYTEST_XDIST_WORKER" in os.environ:  # they are given out in this order: the longest first
        items.sort(key=lambda item: rank(item.nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadScopeScheduling:
    from xdist.scheduler import LoadScopeScheduling

    class Groups(LoadScopeScheduling):  # pytest-xdist's own loadgroup does nothing with this pytest: it renames tests
        def _split_scope(self, nodeid: str) -> str:
            return group_of(nodeid)

    config.option.loadscopereorder = False
    return Groups(config, log)
