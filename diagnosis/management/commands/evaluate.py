"""manage.py evaluate --data DIR [--model VERSION] [--json]"""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from diagnosis.engine.classifier import Classifier
from diagnosis.engine.errors import ArtifactError, DatasetError, RadiographError
from diagnosis.engine.examples import Example, find_examples
from diagnosis.engine.figures import figures
from diagnosis.publishing import load_classifier


class Command(BaseCommand):
    help = "Measures a model version on the images in DIR/NORMAL and DIR/PNEUMONIA, classified as a worker does it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--data", type=Path, required=True, metavar="DIR")
        parser.add_argument("--model", metavar="VERSION", help="a published version (default: the active one)")
        parser.add_argument("--json", action="store_true", help="one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            classifier = load_classifier(options["model"])
            examples = find_examples(options["data"], self.stderr.write)
        except (ArtifactError, DatasetError) as error:
            raise CommandError(str(error)) from error
        report = self._evaluate(classifier, examples)
        if options["json"]:
            self.stdout.write(json.dumps(report))
            return
        intervals = report.pop("intervals")
        for name, value in report.items():
            if name in intervals:
                low, high = intervals[name]
                value = f"{value:.4f}   95 % interval {low:.4f} to {high:.4f}"
            self.stdout.write(f"{name:14} {value}")

    def _evaluate(self, classifier: Classifier, examples: list[Example]) -> dict[str, Any]:
        """Return the figures over the answered images; the refused and the unreadable ones are counted beside them.

        The intervals are drawn over patients, as far as the files' names tell them.
        """
        answered: list[tuple[Example, float]] = []
        refused = unreadable = 0
        for example in examples:
            try:
                answer = classifier.classify(example.path.read_bytes())
            except (RadiographError, OSError) as error:
                unreadable += 1
                self.stderr.write(f"{example.path} is left out: {error}")
                continue
            if answer.probability is None:
                refused += 1
            else:
                answered.append((example, answer.probability))
        if not answered:
            raise CommandError(f"None of the {len(examples)} images was answered, so there is nothing to measure.")
        card = classifier.card
        measured = figures(
            [example.label for example, _ in answered],
            [probability for _, probability in answered],
            card.threshold,
            groups=[example.patient for example, _ in answered],
        )
        return {
            "n": len(examples),
            **{name: figure.value for name, figure in measured.items()},
            "refused": refused,
            "unreadable": unreadable,
            "threshold": card.threshold,
            "model_version": card.version,
            "intervals": {name: [figure.low, figure.high] for name, figure in measured.items()},
        }
