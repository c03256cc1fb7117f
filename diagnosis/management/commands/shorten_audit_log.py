"""manage.py shorten_audit_log --older-than DAYS [--dry-run]"""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from diagnosis.audit.shortening import count_before, shorten


class Command(BaseCommand):
    help = (
        "Removes entries of the audit log that are older than DAYS. Nothing else removes any. It is an entry itself."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--older-than", type=int, required=True, metavar="DAYS", dest="days")
        parser.add_argument("--dry-run", action="store_true", help="only say how many there are")

    def handle(self, *args: Any, **options: Any) -> None:
        if not 1 <= options["days"] <= 36500:
            raise CommandError("DAYS must be a whole number from 1 to 36500, such as 730 for two years.")
        before = timezone.now() - timedelta(days=options["days"])
        if options["dry_run"]:
            self.stdout.write(f"{count_before(before)} entries are older than {before:%Y-%m-%d %H:%M %Z}.")
        else:
            self.stdout.write(f"{shorten(before)} entries from before {before:%Y-%m-%d %H:%M %Z} are removed.")
