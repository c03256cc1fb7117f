"""The audit log: who saw, changed, exported and deleted what. Entries are added, and never changed."""

from __future__ import annotations

from typing import Any, NoReturn

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

LONGEST_NAME, LONGEST_LABEL, LONGEST_DETAILS = 150, 150, 300


class Verb(models.TextChoices):
    SAW = "saw", _("saw")
    LISTED = "listed", _("listed")
    DOWNLOADED = "downloaded", _("downloaded")
    EXPORTED = "exported", _("exported")
    UPLOADED = "uploaded", _("uploaded")
    CLASSIFIED_AGAIN = "classified_again", _("had classified again")
    REVIEWED = "reviewed", _("gave a verdict on")
    SHARED = "shared", _("shared")
    UNSHARED = "unshared", _("ended the sharing of")
    ADDED = "added", _("added")
    CHANGED = "changed", _("changed")
    DELETED = "deleted", _("deleted")
    ACTIVATED = "activated", _("activated")
    RESTORED = "restored", _("restored")
    LOGGED_IN = "logged_in", _("logged in")
    LOGGED_OUT = "logged_out", _("logged out")
    LOGIN_FAILED = "login_failed", _("failed to log in")


class Kind(models.TextChoices):
    """What something was done to. The id is that of its row; of a membership or an invitation, that of the group."""

    RADIOGRAPH = "radiograph", _("X-ray")
    PREDICTION = "prediction", _("prediction")
    ACCOUNT = "account", _("account")
    TOKEN = "token", _("API token")
    SECOND_FACTOR = "second_factor", _("second factor")
    GROUP = "group", _("group")
    MEMBERSHIP = "membership", _("membership")
    INVITATION = "invitation", _("invitation")
    WEBHOOK = "webhook", _("webhook")
    MODEL_VERSION = "model_version", _("model version")
    TRAINING_RUN = "training_run", _("training run")
    RETENTION_RULE = "retention_rule", _("retention rule")
    REVIEW = "review", _("verdict")
    AUDIT_LOG = "audit_log", _("audit log")
    PLATFORM = "platform", _("everything")
    OTHER = "other", _("something else")


class Door(models.TextChoices):
    PAGE = "page", _("page")
    API = "api", _("API")
    ADMIN = "admin", _("admin")
    COMMAND = "command", _("command")
    BACKGROUND = "background", _("by itself")


class OnlyAdded(TypeError):
    """Somebody tried to change or delete entries."""

    def __init__(self) -> None:
        super().__init__("Entries of the audit log are added, and never changed or deleted.")


class AuditEntryQuerySet(models.QuerySet["AuditEntry"]):
    def update(self, **_: Any) -> NoReturn:
        raise OnlyAdded

    def delete(self) -> NoReturn:
        raise OnlyAdded

    def bulk_update(self, *_: Any, **__: Any) -> NoReturn:
        raise OnlyAdded


class AuditEntry(models.Model):
    """One act. Nothing in it is a file name, a comment or a word that was searched for: patients' names may be there.

    The actor's number and name stay when the account goes. :mod:`diagnosis.audit.guard` has the database refuse what
    this class refuses.
    """

    moment = models.DateTimeField(_("moment"), default=timezone.now)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.DO_NOTHING,
        verbose_name=_("number of the account"),
        null=True,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    actor_name = models.CharField(
        _("who"), max_length=LONGEST_NAME, help_text=_("Of a command, the account of the machine; empty: nobody.")
    )
    verb = models.CharField(_("act"), max_length=16, choices=Verb)
    kind = models.CharField(_("kind"), max_length=16, choices=Kind)
    object_id = models.CharField(_("id"), max_length=64, help_text=_("Empty where it is no single one."))
    label = models.CharField(_("called"), max_length=LONGEST_LABEL)
    details = models.CharField(_("details"), max_length=LONGEST_DETAILS)
    door = models.CharField(_("how"), max_length=10, choices=Door)
    request_id = models.CharField(_("request"), max_length=64, help_text=_("As in the lines of the log."))
    address = models.GenericIPAddressField(_("address"), null=True)

    objects = AuditEntryQuerySet.as_manager()

    class Meta:
        verbose_name = _("entry of the audit log")
        verbose_name_plural = _("entries of the audit log")
        ordering = ["-moment", "-pk"]
        default_permissions = ("view",)
        indexes = [
            models.Index(fields=["-moment", "-id"], name="audit_newest"),
            models.Index(fields=["request_id"], name="audit_by_request"),
            *(  # each in the order in which they are listed
                models.Index(fields=[field, "-moment", "-id"], name=f"audit_by_{field}")
                for field in ("actor_name", "verb", "kind", "object_id", "door")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.actor_name or '–'} {self.verb} {self.kind} {self.object_id}".strip()

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise OnlyAdded
        super().save(*args, **{**kwargs, "force_insert": True})

    def delete(self, *_: Any, **__: Any) -> NoReturn:
        raise OnlyAdded
