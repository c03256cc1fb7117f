"""What was found: good, to be watched, or to be mended, and then how."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True)
class Finding:
    """``sentence`` says how it is; ``remedy`` what to do, where there is something to do."""

    state: State
    sentence: str
    remedy: str = ""


def ok(sentence: str) -> Finding:
    return Finding(State.OK, sentence)


def warning(sentence: str, remedy: str) -> Finding:
    return Finding(State.WARNING, sentence, remedy)


def problem(sentence: str, remedy: str) -> Finding:
    return Finding(State.PROBLEM, sentence, remedy)


def on_one_line(error: BaseException) -> str:
    """Say an error of the system or a library in one sentence's place."""
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(reason).split()).rstrip(".")[:300]
