"""manage.py audit_dataset DIR [--json] [--picture FILE]"""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from diagnosis.engine.errors import DatasetError


class Command(BaseCommand):
    help = (
        "Looks for duplicates, for patients in several parts and for labels that the files give away. DIR holds "
        "NORMAL/ and PNEUMONIA/, or NIH ChestX-ray, or such folders as train/, val/ and test/. "
        "The exit status is 1 where a network would be fooled."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("data", type=Path, metavar="DIR")
        parser.add_argument("--json", action="store_true", help="one JSON object, with all file names")
        parser.add_argument("--picture", type=Path, metavar="FILE", help="draw it, e.g. as a .png file")

    def handle(self, *args: Any, **options: Any) -> None:
        from training.audit import audit
        from training.audit_picture import draw_audit
        from training.audit_report import as_object, as_text

        try:
            found = audit(options["data"])
            if options["picture"]:
                draw_audit(found, options["picture"])
        except (DatasetError, OSError, ValueError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(json.dumps(as_object(found)) if options["json"] else as_text(found))
        if number := len(found.problems):
            problems = "1 problem" if number == 1 else f"{number} problems"
            raise CommandError(f"{problems} in {options['data']}: a network that learns from it would be fooled.")
