"""manage.py run_errands [--idle SECONDS]"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from diagnosis.errands import IDLE_FOR, Errands


class Command(BaseCommand):
    help = "Calls webhooks, sends mails and removes accounts, until nothing is due. Workers start it by themselves."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--idle", type=float, default=IDLE_FOR, metavar="SECONDS", help="until so long idle")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            Errands().run(options["idle"])
        except KeyboardInterrupt:
            self.stdout.write("Stopped; what was not done is done by the next process.")
