"""Sends chest X-rays to a PneumoDetect server and fetches its answers."""

from pneumodetect_client.client import Client
from pneumodetect_client.errors import ClientError, ProblemError, ServerAway
from pneumodetect_client.records import Prediction, Problem, Radiograph, Reason, Result

__all__ = [
    "Client",
    "ClientError",
    "Prediction",
    "Problem",
    "ProblemError",
    "Radiograph",
    "Reason",
    "Result",
    "ServerAway",
]
