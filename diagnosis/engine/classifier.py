"""Network, card, preprocessing and gate, ready to use: the same for a worker, a command and an evaluation."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from diagnosis.engine.artifact import Artifact, ModelCard, read_artifact
from diagnosis.engine.errors import ArtifactError
from diagnosis.engine.gate import Refusal, refusal_of_picture
from diagnosis.engine.header import Header, read_header
from diagnosis.engine.preprocessing import Picture, Pixels, read_picture
from diagnosis.engine.probes import draw_probe
from diagnosis.engine.suitability import refusal_of_header

#: Largest difference of a logit that another CPU's rounding may make. A damaged network is off by far more.
PROBE_TOLERANCE = 0.05


@dataclass(frozen=True)
class Classification:
    """What the classifier says of one image: a probability of the positive class, or why it refuses to give one.

    ``activation_map`` tells where the network looked: rows of logits (7 of 7 for MobileNet), whose mean is its answer.
    ``brightness`` and ``contrast`` are mean and standard deviation of the grey values shown to it, 0 to 255; None
    where the file was refused before it was decoded.
    """

    probability: float | None
    label: str
    band: str
    refusal: Refusal | None
    activation_map: list[list[float]] | None = None
    brightness: float | None = None
    contrast: float | None = None

    @property
    def status(self) -> str:
        return "refused" if self.refusal else "succeeded"


class Classifier:
    """One LiteRT interpreter on one thread. Not safe to use from several threads, and never carried over a fork."""

    def __init__(self, artifact: Artifact) -> None:
        self.artifact = artifact
        self.card: ModelCard = artifact.card
        try:
            self._interpreter = Interpreter(model_content=artifact.network, num_threads=1)
            self._run: Any = self._interpreter.get_signature_runner("serving_default")
        except (ValueError, RuntimeError) as error:
            raise ArtifactError(f"The network cannot be loaded by LiteRT: {error}.") from error
        self._check_gate()

    @classmethod
    def load(cls, folder: Path) -> Classifier:
        """Read, verify, build and warm up. Raises ArtifactError where the artifact must not be used."""
        classifier = cls(read_artifact(folder))
        classifier.check_probes()
        return classifier

    def _check_gate(self) -> None:
        """Raise ArtifactError unless the network gives the scores for which the card's gate holds limits."""
        output = self._run.get_output_details().get("gate")
        given = int(output["shape"][-1]) if output else 0
        wanted = len(self.card.gate.codes) if self.card.gate else 0
        if given != wanted:
            raise ArtifactError(f"The network's gate gives {given} scores, and its card knows of {wanted}.")

    def check_probes(self) -> None:
        """Raise ArtifactError unless the probe drawings are answered as the card records."""
        for probe in self.card.probes:
            logit = self.logit(draw_probe(probe.seed))
            if not abs(logit - probe.logit) <= PROBE_TOLERANCE:
                raise ArtifactError(
                    f"The network of version {self.card.version} answers probe {probe.seed} with {logit:.3f} "
                    f"instead of {probe.logit:.3f}: it is damaged, or this machine computes wrongly."
                )

    def logit(self, pixels: Pixels) -> float:
        """Return the network's raw output for uint8 grey values of shape (224, 224)."""
        return float(self.outputs(pixels)["logit"][0, 0])

    def outputs(self, pixels: Pixels) -> dict[str, NDArray[np.float32]]:
        """Return all that the network puts out: ``logit`` (1, 1), ``cam`` (1, 7, 7), ``embedding`` (1, 1024).

        With a gate also ``gate`` (1, S), its scores.
        """
        found: dict[str, NDArray[np.float32]] = self._run(radiograph=pixels[None, :, :, None])
        return found

    def classify(self, data: bytes) -> Classification:
        """Classify the bytes of one image file. Raises RadiographError where it cannot be read."""
        header = read_header(io.BytesIO(data))
        if refusal := refusal_of_header(header):
            return Classification(None, "", "", refusal)
        picture = read_picture(data)
        brightness, contrast = float(picture.pixels.mean()), float(picture.pixels.std())
        said = self._classify(picture, header)
        return replace(said, brightness=round(brightness, 2), contrast=round(contrast, 2))

    def _classify(self, picture: Picture, header: Header) -> Classification:
        if refusal := refusal_of_picture(picture, header.width, header.height):
            return Classification(None, "", "", refusal)
        outputs = self.outputs(picture.pixels)
        if self.card.gate and (refusal := self.card.gate.refusal(outputs["gate"][0])):
            return Classification(None, "", "", refusal)
        activation_map = [[round(float(value), 3) for value in row] for row in outputs["cam"][0]]
        return replace(self.judge(float(outputs["logit"][0, 0])), activation_map=activation_map)

    def judge(self, logit: float) -> Classification:
        """Turn a raw output into a calibrated probability, a label and a band."""
        card = self.card
        probability = 1 / (1 + math.exp(-max(-60.0, min(60.0, card.slope * logit + card.intercept))))
        if card.band_low <= probability < card.band_high:
            band = "uncertain"
        else:
            band = "likely" if probability >= card.threshold else "unlikely"
        return Classification(probability, card.labels[probability >= card.threshold], band, None)
