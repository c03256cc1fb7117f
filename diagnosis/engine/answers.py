"""What a classifier answers to the images of a folder, with those that it does not answer counted beside them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from diagnosis.engine.classifier import Classification, Classifier
from diagnosis.engine.errors import RadiographError
from diagnosis.engine.examples import LABELS, Example

Report = Callable[[str], None]


@dataclass(frozen=True)
class Answer:
    """What each of some classifiers says of one image; ``sha256`` is that of the file."""

    example: Example
    sha256: str
    said: tuple[Classification, ...]

    @property
    def refused(self) -> bool:
        """Whether any of the classifiers refuses the image."""
        return any(each.refusal for each in self.said)


def ask(classifiers: Sequence[Classifier], examples: Sequence[Example], report: Report) -> list[Answer]:
    """Let each classifier classify each image as a worker does it; what cannot be read is reported and left out."""
    answers = []
    for example in examples:
        try:
            data = example.path.read_bytes()
            said = tuple(classifier.classify(data) for classifier in classifiers)
        except (RadiographError, OSError) as error:
            report(f"{example.path} is left out: {error}")
            continue
        answers.append(Answer(example, hashlib.sha256(data).hexdigest(), said))
    return answers


def fingerprint(images: Iterable[tuple[str, int]]) -> str:
    """Return a sha256 over the files' own sha256 and labels: the same for other names or another order."""
    lines = sorted(f"{digest} {LABELS[label]}" for digest, label in images)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def probabilities(answers: Sequence[Answer], of: int = 0) -> list[float]:
    """Return the probabilities that classifier number ``of`` gave; none of ``answers`` may be refused."""
    return [chance for answer in answers if (chance := answer.said[of].probability) is not None]
