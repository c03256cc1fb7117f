"""manage.py draw_experiments [RUN…] [--into DIR]"""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from training.errors import TrainingError
from training.experiment_table import TABLE, keep, read_run


class Command(BaseCommand):
    help = "Adds runs of train to the table of experiments, and draws it with a picture of each run's accuracy."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "runs", type=Path, nargs="*", metavar="RUN", help="an output of train; without one all is drawn anew"
        )
        parser.add_argument(
            "--into",
            type=Path,
            default=settings.BASE_DIR / "training" / "experiments",
            metavar="DIR",
            help="where the table is (default: %(default)s)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            every = keep([read_run(folder) for folder in options["runs"]], options["into"])
        except (TrainingError, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{len(every)} experiments are in {options['into'] / TABLE}.")
