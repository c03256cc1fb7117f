"""What the tests of the doctor share."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from diagnosis.doctor.findings import Finding, State


def found(look: Callable[[], Iterable[Finding]]) -> str:
    """Return what is not as it should be, with what to do about it, one a line."""
    findings = [each for each in look() if each.state != State.OK]
    assert all(each.remedy for each in findings)
    return "\n".join(f"{each.state}: {each.sentence} {each.remedy}" for each in findings)
