"""Two processes share the tests, and those that would be in one another's way are in one of them."""

from __future__ import annotations

import pytest

from tests.sharing import group_of


def test_all_that_need_the_live_platform_are_in_one_group(request: pytest.FixtureRequest) -> None:
    needing = {i.nodeid for i in request.session.items if "live_platform" in getattr(i, "fixturenames", ())}
    assert {group_of(nodeid) for nodeid in needing} <= {"live"}


def test_each_other_file_stays_in_one_process() -> None:
    assert group_of("tests/engine/test_gate.py::test_a[x::y]") == group_of("tests/engine/test_gate.py::test_b")
    assert group_of("tests/engine/test_gate.py::test_a") != group_of("tests/training/test_gate.py::test_a")
