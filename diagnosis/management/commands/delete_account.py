"""manage.py delete_account USERNAME [--yes]"""

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from diagnosis.people.leaving import remove_all, why_not
from diagnosis.people.models import Leaving


class Command(BaseCommand):
    help = "Removes an account with all its radiographs, their files and their results. There is no way back."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username", metavar="USERNAME")
        parser.add_argument("--yes", action="store_true", help="do not ask")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["username"]).first()
        if not user:
            raise CommandError(f"There is no account called {options['username']!r}.")
        if why_not(user):
            raise CommandError("This is the only administrator. Make another one first.")
        if not options["yes"] and input(f"Type {user.username} to delete it for good: ") != user.username:
            raise CommandError("Nothing was deleted.")
        Leaving.objects.begin(user)
        remove_all(user.pk)
        self.stdout.write(f"The account {options['username']} is deleted with all its files.")
