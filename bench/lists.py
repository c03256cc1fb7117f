"""What every list costs the server where there are many radiographs; the history's filters are in bench/history.py.

``manage.py fill_database N --group NAME`` writes the rows; then ``python -m bench.lists``, with the same
``DATABASE_URL`` and ``PNEUMODETECT_DATA_DIR``. What else a list holds is made here, as much of it as there may be,
and taken away again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from bench.history import measure  # sets Django up

# isort: split
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from diagnosis.management.commands.fill_database import OWNER
from diagnosis.models import Batch, Delivery, Invitation, Radiograph, ReadingGroup, Reclassification, Webhook
from diagnosis.people.groups import MOST_GROUPS, MOST_INVITATIONS, MOST_MEMBERS, Role
from diagnosis.people.tokens import make_token
from diagnosis.versions.choosing import find_offered
from diagnosis.webhooks.models import MOST_SHOWN, MOST_WEBHOOKS

TOKENS, SESSIONS, BATCHES, JOBS = 30, 30, 10_000, 1000


@contextmanager
def furnished(owner: User) -> Iterator[list[str]]:
    """Make as much as there may be of what is not radiographs, and yield the addresses of all lists."""
    with transaction.atomic():
        ward = ReadingGroup.objects.of(owner).first() or ReadingGroup.found("Ward", owner)
        _people(owner, ward)
        webhook = _webhooks(owner, ward)
        _logins(owner)
        job = _jobs(owner)
        yield [
            "/",
            "/radiographs/",
            f"/radiographs/?group={ward.pk}",
            "/radiographs/?reviewed=yes",
            f"/radiographs/?group={ward.pk}&reviewed=differs",
            "/radiographs/disagreements/",
            "/radiographs/classify-all/?label=PNEUMONIA",
            job.get_absolute_url(),
            "/reading/",
            "/statistics/",
            f"/statistics/?group={ward.pk}",
            "/groups/",
            ward.get_absolute_url(),
            "/accounts/notices/",
            webhook.get_absolute_url(),
            "/accounts/tokens/",
            "/accounts/sessions/",
            "/accounts/my-data/",
            "/models/",
            "/api/v1/radiographs/?page_size=50",
            "/api/v1/groups/",
            "/api/v1/webhooks/",
            f"/api/v1/webhooks/{webhook.pk}/deliveries/",
        ]
        transaction.set_rollback(True)


def _people(owner: User, ward: ReadingGroup) -> None:
    known = ward.memberships.count()
    others = User.objects.bulk_create(User(username=f"measured-{each}") for each in range(MOST_MEMBERS - known))
    ward.memberships.bulk_create(ward.memberships.model(group=ward, user=each) for each in others)
    Invitation.objects.bulk_create(
        Invitation(group=ward, addressee=f"nobody-{each}", invited_by=owner) for each in range(MOST_INVITATIONS)
    )
    for number, other in enumerate(others[: MOST_GROUPS - 1]):
        group = ReadingGroup.objects.create(name=f"Ward {number}")
        group.memberships.create(user=other, role=Role.OWNER)
        group.memberships.create(user=owner, role=Role.SUPERVISOR)
        Invitation.objects.create(group=group, addressee=owner.username, user=owner, invited_by=other)


def _webhooks(owner: User, ward: ReadingGroup) -> Webhook:
    facts = {"url": "https://archive.example.org/hook", "on_batches": False}
    Webhook.objects.bulk_create(Webhook(group=ward, **facts) for _ in range(MOST_WEBHOOKS))
    own = Webhook.objects.bulk_create(Webhook(owner=owner, **facts) for _ in range(MOST_WEBHOOKS))
    calls = (Delivery(webhook=own[0], event="ping", state="sent", due=None) for _ in range(100 * MOST_SHOWN))
    Delivery.objects.bulk_create(calls, batch_size=1000)
    return own[0]


def _logins(owner: User) -> None:
    for number in range(TOKENS):
        make_token(owner, f"program {number}")
    UserSession.objects.bulk_create(
        UserSession(user=owner, session_key=f"measured{each}", ip="192.0.2.1") for each in range(SESSIONS)
    )


def _jobs(owner: User) -> Reclassification:
    now, version = (
        timezone.now(),
        find_offered(Radiograph.objects.filter(outcome="succeeded")[0].model_version.version),
    )
    Batch.objects.bulk_create((Batch(owner=owner, open_until=now, ended=now) for _ in range(BATCHES)), batch_size=1000)
    ended = (
        Reclassification(owner=owner, model_version=version, created=now - timedelta(days=each), ended=now)
        for each in range(JOBS)
    )
    return Reclassification.objects.bulk_create(ended, batch_size=1000)[0]


def main() -> None:
    call_command("collectstatic", interactive=False, verbosity=0)
    settings.ALLOWED_HOSTS = ["*"]
    owner = User.objects.get(username=OWNER)
    client = Client()
    client.force_login(owner)
    print(f"{connection.vendor}, {Radiograph.objects.count()} radiographs")
    print("   clock  fastest  processor  queries")
    with furnished(owner) as addresses:
        for address in addresses:
            cost = measure(client, address)
            times = f"{cost.clock:8.1f} {cost.fastest:8.1f} {cost.processor:10.1f}"
            print(f"{times} {cost.queries:8}  {address}{'  <--' if cost.is_too_much else ''}", flush=True)


if __name__ == "__main__":
    main()
