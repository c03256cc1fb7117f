"""What others do and tell of by signals: logins, what is deleted, what the admin pages and allauth change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from allauth.account import signals as account
from allauth.mfa import signals as mfa
from allauth.mfa.models import Authenticator
from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.contrib.auth import get_user_model, signals
from django.db.models import Model
from django.db.models.signals import post_delete, post_save
from django.utils import translation

from diagnosis.audit.models import Kind, Verb
from diagnosis.audit.recording import record
from diagnosis.models import (
    ApiToken,
    Invitation,
    Membership,
    ModelVersion,
    Radiograph,
    ReadingGroup,
    RetentionRule,
    Webhook,
)

#: Of which models the end of each row is recorded, whoever deletes it and however; and what they are called.
KINDS: dict[type[Model], Kind] = {
    Radiograph: Kind.RADIOGRAPH,
    get_user_model(): Kind.ACCOUNT,
    ApiToken: Kind.TOKEN,
    Authenticator: Kind.SECOND_FACTOR,
    ReadingGroup: Kind.GROUP,
    Membership: Kind.MEMBERSHIP,
    Invitation: Kind.INVITATION,
    Webhook: Kind.WEBHOOK,
    RetentionRule: Kind.RETENTION_RULE,
}
#: What the admin pages may add or change beside these, by its label: the app of the last may be absent.
SHOWN: dict[str, Kind] = {
    **{model._meta.label: kind for model, kind in KINDS.items()},
    "diagnosis.Prediction": Kind.PREDICTION,
    "diagnosis.ModelVersion": Kind.MODEL_VERSION,
    "training.TrainingRun": Kind.TRAINING_RUN,
}
#: Of which models it is told elsewhere that one was added.
TOLD_WHEN_ADDED = (get_user_model(), ModelVersion)


def listen() -> None:
    """Called once, when all models are there."""
    signals.user_logged_in.connect(_logged_in)
    signals.user_logged_out.connect(_logged_out)
    signals.user_login_failed.connect(_login_failed)
    for model in KINDS:
        post_delete.connect(_deleted, sender=model)
    for model in (get_user_model(), Webhook):
        post_save.connect(_saved, sender=model)
    post_save.connect(_in_admin, sender=LogEntry)
    for signal, what in _CHANGES_OF_ACCOUNT:
        signal.connect(_changed(what), weak=False)
    mfa.authenticator_added.connect(_second_factor(Verb.ADDED), weak=False)
    mfa.authenticator_reset.connect(_second_factor(Verb.CHANGED), weak=False)
    mfa.authentication_failed.connect(_code_failed)


_CHANGES_OF_ACCOUNT = (
    (account.password_changed, "password"),
    (account.password_set, "password"),
    (account.password_reset, "password, by a link in a mail"),
    (account.email_added, "an e-mail address was added"),
    (account.email_changed, "e-mail address"),
    (account.email_removed, "an e-mail address was removed"),
)


def _logged_in(user: Any, **_: Any) -> None:
    record(Verb.LOGGED_IN, Kind.ACCOUNT, user.pk, label=user.get_username(), actor=user)


def _logged_out(user: Any, **_: Any) -> None:
    if user:  # a session that had ended before has none
        record(Verb.LOGGED_OUT, Kind.ACCOUNT, user.pk, label=user.get_username(), actor=user)


def _login_failed(credentials: dict[str, Any], **_: Any) -> None:
    """Name an account that there is, and nothing else: into the wrong field, people write their passwords."""
    asked = {name: credentials[name] for name in ("username", "email") if credentials.get(name)}
    user = get_user_model()._default_manager.filter(**asked).first() if asked else None
    record(Verb.LOGIN_FAILED, Kind.ACCOUNT, user.pk if user else "", label=user.get_username() if user else "unknown")


def _code_failed(user: Any, **_: Any) -> None:
    record(Verb.LOGIN_FAILED, Kind.ACCOUNT, user.pk, label=user.get_username(), details="second factor")


def _deleted(instance: Any, **_: Any) -> None:
    record(Verb.DELETED, KINDS[type(instance)], _id_of(instance), label=_label_of(instance))


def _saved(instance: Any, created: bool, **_: Any) -> None:
    """An account or a webhook. What changes of an account is told by what changes it."""
    if created or isinstance(instance, Webhook):
        verb = Verb.ADDED if created else Verb.CHANGED
        rank = "administrator" if getattr(instance, "is_superuser", False) else ""
        record(verb, KINDS[type(instance)], instance.pk, label=_label_of(instance), details=rank)


def _in_admin(instance: LogEntry, created: bool, **_: Any) -> None:
    """What the admin pages added or changed; deletions are told by the rows."""
    model = instance.content_type.model_class() if instance.content_type else None
    is_told = model in TOLD_WHEN_ADDED and instance.action_flag == ADDITION
    if not created or is_told or instance.action_flag not in (ADDITION, CHANGE):
        return
    verb = Verb.ADDED if instance.action_flag == ADDITION else Verb.CHANGED
    kind = SHOWN.get(model._meta.label, Kind.OTHER) if model else Kind.OTHER
    label = instance.object_repr if kind != Kind.OTHER else f"{instance.content_type}: {instance.object_repr}"
    with translation.override("en"):
        record(verb, kind, instance.object_id or "", label=label, details=str(instance.get_change_message()))


def _changed(what: str) -> Callable[..., None]:
    def changed(user: Any, **_: Any) -> None:
        record(Verb.CHANGED, Kind.ACCOUNT, user.pk, label=user.get_username(), details=what)

    return changed


def _second_factor(verb: Verb) -> Callable[..., None]:
    def told(user: Any, authenticator: Authenticator, **_: Any) -> None:
        record(verb, Kind.SECOND_FACTOR, authenticator.pk, label=user.get_username(), details=authenticator.type)

    return told


def _id_of(instance: Any) -> Any:
    return instance.group_id if isinstance(instance, Membership | Invitation) else instance.pk


def _label_of(instance: Any) -> str:
    """Say what it is called, where that can name no patient and nobody who is not here."""
    if isinstance(instance, Radiograph | Invitation):
        return ""
    if isinstance(instance, Webhook):
        return urlsplit(instance.url).hostname or ""
    return str(instance.user if isinstance(instance, Authenticator | Membership) else instance)
