"""manage.py evaluate --data DIR… [--model VERSION] [--prevalence P] [--json]"""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from diagnosis.engine.errors import ArtifactError, DatasetError
from diagnosis.engine.examples import find_examples
from diagnosis.engine.figures import PREVALENCE
from diagnosis.evaluation import evaluate, lines
from diagnosis.publishing import load_classifier


class Command(BaseCommand):
    help = "Measures a model version on the images in DIR/NORMAL and DIR/PNEUMONIA, classified as a worker does it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--data",
            type=Path,
            required=True,
            nargs="+",
            action="extend",
            metavar="DIR",
            help="several are measured each by itself",
        )
        parser.add_argument("--model", metavar="VERSION", help="a published version (default: the active one)")
        parser.add_argument(
            "--prevalence",
            type=float,
            default=PREVALENCE,
            metavar="P",
            help="share of pneumonia among the patients for whom predictive values are stated (default: %(default)s)",
        )
        parser.add_argument("--json", action="store_true", help="one JSON object; for several folders a list of them")

    def handle(self, *args: Any, **options: Any) -> None:
        if not 0 < options["prevalence"] < 1:
            raise CommandError("--prevalence is a share: more than 0 and less than 1.")
        try:
            classifier = load_classifier(options["model"])
            found = {folder: find_examples(folder, self.stderr.write) for folder in options["data"]}
            reports = {
                folder: evaluate(classifier, examples, options["prevalence"], self.stderr.write)
                for folder, examples in found.items()
            }
        except (ArtifactError, DatasetError) as error:
            raise CommandError(str(error)) from error
        if not options["json"]:
            self.stdout.write("Each figure with its 95 % interval. ppv and npv hold at the stated prevalence.")
            self.stdout.write("\n".join(lines(reports)))
        elif len(reports) == 1:
            self.stdout.write(json.dumps(*reports.values()))
        else:
            self.stdout.write(json.dumps([{"data": str(folder), **report} for folder, report in reports.items()]))
