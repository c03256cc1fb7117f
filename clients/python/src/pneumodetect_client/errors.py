"""What can go wrong, each with a sentence for the user."""

from __future__ import annotations

import httpx

from pneumodetect_client.records import Problem


class ClientError(Exception):
    """Whatever this package raises."""


class ServerAway(ClientError):
    """The server does not answer, or not as a PneumoDetect server does."""


class ProblemError(ClientError):
    """The server refused, and says why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem

    @property
    def status(self) -> int:
        return self.problem.status


def error_of(response: httpx.Response) -> ClientError:
    """Return what to raise for an answer that is an error."""
    if response.headers.get("Content-Type", "").startswith("application/problem+json"):
        return ProblemError(Problem.of(response.json()))
    return ServerAway(f"{response.url.host} answered {response.status_code}, and not as PneumoDetect does.")
