"""manage.py contact_sheet --data DIR [--output FILE] [--seed N]"""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from diagnosis.engine.errors import DatasetError


class Command(BaseCommand):
    help = "Draws some images of DIR before and after augmentation, and as validation perturbs them, to look at."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="a data set, as for train")
        parser.add_argument("--output", type=Path, metavar="FILE", help="e.g. sheet.png")
        parser.add_argument("--seed", type=int, default=0, help="of the choice of images and of their changes")

    def handle(self, *args: Any, **options: Any) -> None:
        from training.contact_sheet import draw_contact_sheet

        if options["seed"] < 0:
            raise CommandError("--seed must not be negative.")
        output: Path = options["output"] or settings.DATA_DIR / "training" / "contact_sheet.png"
        try:
            output.parent.mkdir(parents=True, exist_ok=True)
            draw_contact_sheet(options["data"], output, options["seed"], report=self.stderr.write)
        except (DatasetError, OSError, ValueError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"The contact sheet lies in {output}.")
