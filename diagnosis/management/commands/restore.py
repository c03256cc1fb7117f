"""manage.py restore FILE"""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from diagnosis.audit.models import Kind, Verb
from diagnosis.audit.recording import record
from diagnosis.backup import restoring
from diagnosis.backup.container import BackupError


class Command(BaseCommand):
    help = (
        "Brings back all that `backup` wrote into FILE, or nothing, into a PNEUMODETECT_DATA_DIR and a database that "
        "are empty. Of another version's tables it makes this one's."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            restored = restoring.restore(options["file"])
        except BackupError as error:
            raise CommandError(str(error)) from error
        record(Verb.RESTORED, Kind.PLATFORM, details="backup")
        self.stdout.write(
            f"Restored: {sum(restored.values())} rows, {restored['diagnosis_radiograph']} radiographs among them. "
            "Start the platform; passwords are what they were."
        )
