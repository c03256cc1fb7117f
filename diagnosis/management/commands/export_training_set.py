"""manage.py export_training_set DIR [--readers N] [--blinded] [--without DIR…]"""

from __future__ import annotations

import hashlib
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from diagnosis.audit.models import Kind, Verb
from diagnosis.audit.recording import record_each
from diagnosis.engine.folders import radiographs_under
from diagnosis.models import Radiograph
from diagnosis.reviewing.training_set import NothingToExport, choose, write_folder


class Command(BaseCommand):
    help = "Writes the reviewed radiographs on whose label all readers agree, as a folder that train takes."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, metavar="DIR", help="made by this command; it must not exist yet")
        parser.add_argument("--readers", type=int, default=1, metavar="N", help="only what so many have read (1)")
        parser.add_argument("--blinded", action="store_true", help="only what all readers read before the answer")
        parser.add_argument(
            "--without",
            type=Path,
            nargs="+",
            action="extend",
            default=[],
            metavar="DIR",
            help="leave out the files that lie in these folders: those that versions are tested with",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["folder"].exists():
            raise CommandError(f"{options['folder']} exists already; name a new folder.")
        try:
            chosen = choose(
                Radiograph.objects.all(),
                fewest_readers=options["readers"],
                only_blinded=options["blinded"],
                without=_hashes(options["without"]),
            )
            written = write_folder(chosen, options["folder"])
            record_each(
                Verb.EXPORTED, Kind.RADIOGRAPH, [each.radiograph.pk for each in chosen], details="training set"
            )
        except (NothingToExport, OSError) as error:
            raise CommandError(str(error)) from error
        patients = len({each.patient for each in chosen})
        self.stdout.write(f"{written} images of {patients} patients are in {options['folder']}.")


def _hashes(folders: list[Path]) -> set[str]:
    for folder in folders:
        if not folder.is_dir():
            raise CommandError(f"{folder} is no folder.")
    files = (path for folder in folders for path in radiographs_under(folder))
    return {hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
