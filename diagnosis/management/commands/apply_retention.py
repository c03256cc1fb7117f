"""manage.py apply_retention [--dry-run] [--rule NAME]"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import QuerySet

from diagnosis.models import Removal, RetentionRule, RetentionRun
from diagnosis.retention.applying import apply, finish_removals
from diagnosis.retention.estimate import Estimate, estimate


class Command(BaseCommand):
    help = "Removes now what the retention rules that are on say. The platform does so once a day by itself."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only say what would go, of rules that are off too")
        parser.add_argument("--rule", metavar="NAME", help="one rule alone")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["dry_run"]:  # what was removed by a rule that is gone, too
            finish_removals(Removal.objects.all().unfinished())
        rules = self._rules(options["rule"])
        if options["dry_run"]:
            for rule in rules:
                self.stdout.write(_would_go(estimate(rule)))
            return
        if options["rule"] and not rules[0].is_on:
            raise CommandError(
                f"The rule {rules[0].name!r} is off. Look at its dry run in the admin, and switch it on."
            )
        for rule in rules:
            if rule.is_on:
                self.stdout.write(_went(apply(rule)))

    def _rules(self, name: str | None) -> list[RetentionRule]:
        rules: QuerySet[RetentionRule] = RetentionRule.objects.all()
        found = list(rules.filter(name=name) if name else rules)
        if not found:
            known = ", ".join(rules.values_list("name", flat=True)) or "none"
            wrong = f"There is no rule called {name!r}" if name else "There is no retention rule"
            raise CommandError(f"{wrong}; there are: {known}. Rules are made in the admin.")
        return found


def _would_go(found: Estimate) -> str:
    off = "" if found.rule.is_on else " (off)"
    head = f"{found.rule.name}{off}: {found.rule.text}\n  would go: "
    if not found.radiographs or not found.oldest or not found.newest:
        return f"{head}nothing"
    span = f"uploaded from {found.oldest:%Y-%m-%d} to {found.newest:%Y-%m-%d}"
    return f"{head}{found.radiographs} radiographs, {found.files} files, {found.bytes} bytes; {span}"


def _went(run: RetentionRun) -> str:
    return f"{run.name}: removed of {run.radiographs} radiographs, {run.files} files, {run.bytes} bytes"
