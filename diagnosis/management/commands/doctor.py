"""manage.py doctor [--json]"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from diagnosis.doctor.examination import as_dict, examine
from diagnosis.doctor.findings import Finding, State


class Command(BaseCommand):
    help = (
        "Says in plain words what is wrong with this installation, and what to do about it. Changes nothing. Exit "
        "status 1 where there is a problem."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON list of findings")

    def handle(self, *args: Any, **options: Any) -> None:
        found = examine()
        if options["json"]:
            self.stdout.write(json.dumps(as_dict(found), indent=2))
        else:
            self._tell(found)
        if any(each.state == State.PROBLEM for findings in found.values() for each in findings):
            sys.exit(1)

    def _tell(self, found: dict[str, list[Finding]]) -> None:
        style = {State.OK: self.style.SUCCESS, State.WARNING: self.style.WARNING, State.PROBLEM: self.style.ERROR}
        for area, findings in found.items():
            for each in findings:
                self.stdout.write(f"{style[each.state](f'{each.state.value:8}')}{area:13} {each.sentence}")
                if each.remedy:
                    self.stdout.write(f"{'':22}-> {each.remedy}")
        states = [each.state for findings in found.values() for each in findings]
        counts = {state: states.count(state) for state in (State.PROBLEM, State.WARNING)}
        self.stdout.write(f"{counts[State.PROBLEM]} problems, {counts[State.WARNING]} warnings.")
        if counts[State.PROBLEM] > 1:
            self.stdout.write("Mend the first one, and ask again: later ones may only come of it.")
