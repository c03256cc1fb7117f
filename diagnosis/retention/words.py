"""What users are told of retention rules: what will be removed, and what was."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext_lazy

from diagnosis.models import Radiograph, RetentionRule
from diagnosis.retention.models import What

_REMOVES = {
    What.HEATMAPS: ngettext_lazy(
        "Heat maps are removed %(days)d day after the upload.",
        "Heat maps are removed %(days)d days after the upload.",
        "days",
    ),
    What.IMAGES: ngettext_lazy(
        "Images are removed %(days)d day after the upload, with their heat maps and reports; the results stay.",
        "Images are removed %(days)d days after the upload, with their heat maps and reports; the results stay.",
        "days",
    ),
    What.ALL: ngettext_lazy(
        "X-rays are removed %(days)d day after the upload, with their results.",
        "X-rays are removed %(days)d days after the upload, with their results.",
        "days",
    ),
}
_ONLY = {
    "succeeded": gettext_lazy("This holds for those that were answered."),
    "refused": gettext_lazy("This holds for those that were refused."),
    "failed": gettext_lazy("This holds for those that could not be read."),
}
_WILL_GO = {
    What.HEATMAPS: gettext_lazy("The heat map will be removed on {date} by the rule “{rule}”."),
    What.IMAGES: gettext_lazy("The image will be removed on {date} by the rule “{rule}”; the result stays."),
    What.ALL: gettext_lazy("This X-ray will be removed with its result on {date} by the rule “{rule}”."),
}


def rules_in_words(user: Any) -> list[str]:
    """Return for each rule that may touch what the user uploads what it does. One query."""
    return [in_words(rule) for rule in RetentionRule.objects.all().told_to(user).select_related("group")]


def in_words(rule: RetentionRule) -> str:
    sentences = [_REMOVES[What(rule.removes)] % {"days": rule.days}]
    if rule.outcome:
        sentences.append(str(_ONLY[rule.outcome]))
    if rule.group:
        sentences.append(_("This holds for what is shared with the group {group}.").format(group=rule.group))
    if rule.spare_reviewed:
        sentences.append(_("What a reader has reviewed is kept."))
    return " ".join(sentences)


def to_come(radiograph: Radiograph) -> list[str]:
    """Say what will be removed of one, by which rule and when, the earliest first. A query, once it was answered."""
    if not radiograph.outcome:
        return []
    rules = [rule for rule in RetentionRule.objects.all().on() if rule.covers(radiograph)]
    open_ones = [rule for rule in rules if radiograph.has_image or rule.removes == What.ALL]
    return [_will_go(radiograph, rule) for rule in sorted(open_ones, key=lambda rule: rule.days)]


def _will_go(radiograph: Radiograph, rule: RetentionRule) -> str:
    when = max(radiograph.created + timedelta(days=rule.days), timezone.now())
    words = str(_WILL_GO[What(rule.removes)]).format(date=_day(when), rule=rule.name)
    return f"{words} {_('A verdict of a reader keeps it.')}" if rule.spare_reviewed else words


def image_removed(radiograph: Radiograph) -> str:
    """Say since when the image is gone, and by which rule; empty where it is there."""
    if radiograph.has_image:
        return ""
    if not (removal := radiograph.removal):  # a backup was taken in that very moment
        return _("The image was removed.")
    words = _("The image was removed on {date} by the rule “{rule}”.")
    return words.format(date=_day(removal.moment), rule=removal.rule)


def heatmap_removed(radiograph: Radiograph) -> str:
    """Say the same of the heat map; empty where no rule has removed one."""
    if not radiograph.has_image:
        return image_removed(radiograph)
    if not (removal := radiograph.removal):
        return ""
    words = _("The heat map was removed on {date} by the rule “{rule}”.")
    return words.format(date=_day(removal.moment), rule=removal.rule)


def _day(moment: datetime) -> str:
    return date_format(timezone.localtime(moment), "DATE_FORMAT")
