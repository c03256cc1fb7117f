"""manage.py backup FILE"""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from diagnosis.audit.models import Kind, Verb
from diagnosis.audit.recording import record
from diagnosis.backup import taking
from diagnosis.backup.container import BackupError


class Command(BaseCommand):
    help = (
        "Writes everything into FILE (.tar or .tar.gz): rows, uploads, previews, models and the secret key. The "
        "platform may run meanwhile. What is written is read back and compared before FILE has its name."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            record(Verb.EXPORTED, Kind.PLATFORM, details="backup")  # the backup holds this entry
            taken = taking.take(options["file"])
        except BackupError as error:
            raise CommandError(str(error)) from error
        size = options["file"].stat().st_size / 1024**2
        self.stdout.write(
            f"{options['file']} holds {sum(taken.rows.values())} rows and {taken.files} files, {size:.1f} MB. "
            "Whoever reads it can read every image and act as any user: keep it accordingly."
        )
        if taken.missing:
            self.stderr.write(
                f"{len(taken.missing)} files were missing before, such as {taken.missing[0]}; their rows are in it."
            )
