"""manage.py evaluate --data DIR… [--model VERSION] [--prevalence P] [--pictures DIR] [--json]"""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from diagnosis.engine.errors import ArtifactError, DatasetError
from diagnosis.engine.examples import find_examples
from diagnosis.engine.figures import PREVALENCE
from diagnosis.evaluation import evaluate, lines, write_pictures
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
        parser.add_argument(
            "--pictures",
            type=Path,
            metavar="DIR",
            help="draws ROC curve, reliability diagram and confusion matrix of each folder, as SVG",
        )
        parser.add_argument("--json", action="store_true", help="one JSON object; for several folders a list of them")

    def handle(self, *args: Any, **options: Any) -> None:
        if not 0 < options["prevalence"] < 1:
            raise CommandError("--prevalence is a share: more than 0 and less than 1.")
        into: Path | None = options["pictures"]
        if into and into.exists() and not into.is_dir():
            raise CommandError(f"{into} is no folder: --pictures names one, which may be new.")
        pictures: dict[Path, dict[str, str]] = {folder: {} for folder in options["data"]} if into else {}
        try:
            classifier = load_classifier(options["model"])
            found = {folder: find_examples(folder, self.stderr.write) for folder in options["data"]}
            reports = {
                folder: evaluate(classifier, examples, options["prevalence"], self.stderr.write, pictures.get(folder))
                for folder, examples in found.items()
            }
        except (ArtifactError, DatasetError) as error:
            raise CommandError(str(error)) from error
        self._print(reports, options["json"])
        if into:
            self._write(pictures, into)

    def _write(self, pictures: dict[Path, dict[str, str]], into: Path) -> None:
        try:
            folders = write_pictures(pictures, into)
        except OSError as error:
            raise CommandError(f"The pictures cannot be written: {error}.") from error
        self.stderr.write(f"Pictures are in {', '.join(map(str, folders))}.")

    def _print(self, reports: dict[Path, dict[str, Any]], as_json: bool) -> None:
        if not as_json:
            self.stdout.write("Each figure with its 95 % interval. ppv and npv hold at the stated prevalence.")
            self.stdout.write("\n".join(lines(reports)))
        elif len(reports) == 1:
            self.stdout.write(json.dumps(*reports.values()))
        else:
            self.stdout.write(json.dumps([{"data": str(folder), **report} for folder, report in reports.items()]))
