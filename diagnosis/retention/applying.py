"""Rules are applied: in small steps, each of which may be the last before this process is killed.

A removal is written down with the names of its files in the transaction that changes the radiograph. Then the files
are deleted, and then the names. Whatever is left of that by a process that is gone, the next one finishes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable
from itertools import chain
from typing import Any

from django.core.files.storage import Storage
from django.db import transaction
from django.db.models import OuterRef, Subquery
from django.utils import timezone

from diagnosis.audit.models import Kind, Verb
from diagnosis.audit.recording import record_each
from diagnosis.history.tagging import drop_unused
from diagnosis.models import Prediction, Radiograph, Removal, RetentionRule, RetentionRun, ShadowPrediction
from diagnosis.retention.models import TRY_AGAIN_AFTER, RemovalQuerySet, What

logger = logging.getLogger(__name__)

#: So many radiographs are dealt with in one transaction.
AT_ONCE = 100
#: So many such steps are taken before whoever does errands looks after the others.
STEPS = 20


def is_anything_due() -> bool:
    now = timezone.now()
    rules, removals = RetentionRule.objects.all().due(now), Removal.objects.all().to_try(now)
    return any(each.exists() for each in (RetentionRun.objects.all().going_on(), rules, removals))


def apply_due() -> None:
    """Apply each rule whose turn it is, as far as it gets in a while: to go on, call this again.

    Raises ExceptionGroup, once all had their turn, where some could not be applied.
    """
    now, runs, faults = timezone.now(), RetentionRun.objects.all(), []
    finish_removals(Removal.objects.all().to_try(now))
    new = RetentionRule.objects.all().due(now).exclude(runs__in=runs.going_on())
    for run in chain(runs.going_on(), map(runs.begin, new)):
        try:
            go_on(run, STEPS)
        except Exception as fault:
            faults.append(fault)
    if faults:
        raise ExceptionGroup("Some retention rules could not be applied.", faults)


def apply(rule: RetentionRule) -> RetentionRun:
    """Apply a rule now, to the end."""
    return go_on(RetentionRun.objects.begin(rule))


def go_on(run: RetentionRun, steps: int | None = None) -> RetentionRun:
    """Take some steps, or all there are."""
    while steps is None or steps > 0:
        if not remove_some(run):
            run.end()
            logger.info("Retention run %s has ended: %s radiographs, %s bytes.", run.pk, run.radiographs, run.bytes)
            break
        steps = steps and steps - 1
    return run


def remove_some(run: RetentionRun) -> bool:
    """Remove what some radiographs have to lose. False where nothing is left, or the rule says something else now."""
    if not (rule := run.rule_if_unchanged()):
        return False
    due = rule.due(timezone.now())
    found = list((due.filter(created__gte=run.reached) if run.reached else due)[:AT_ONCE])
    if not found:
        return False
    # Asked for before anything is locked: a storage may be far away.
    sizes = {each.pk: sizes_of(each) if rule.has_files else [] for each in found}
    with transaction.atomic():
        removals = [_removal(run, rule, each, sizes[each.pk]) for each in _still_due(rule, found)]
        Removal.objects.bulk_create(removals)
        these = [each.radiograph for each in removals]
        if rule.removes != What.ALL:  # those are deleted, which is recorded of each
            record_each(Verb.CHANGED, Kind.RADIOGRAPH, these, details=f"{rule.removes} removed by a rule")
        REMOVE[rule.removes](these)
        run.count(removals, found[-1].created)
    finish(removals, Radiograph._meta.get_field("file").storage)
    return True


def sizes_of(radiograph: Radiograph) -> list[int]:
    """Return the bytes of each of its files that is there, as far as the storage tells."""
    storage, sizes = radiograph.file.storage, []
    for name in radiograph.file_names():
        try:
            sizes.append(storage.size(name))
        except FileNotFoundError:
            continue
        except OSError as error:
            logger.warning("A file of radiograph %s cannot be measured: %s", radiograph.pk, type(error).__name__)
    return sizes


def _still_due(rule: RetentionRule, found: Collection[Radiograph]) -> list[Radiograph]:
    """Lock them, and leave out those which somebody has had classified again, reviewed or deleted meanwhile."""
    these = [each.pk for each in found]
    locked = Radiograph.objects.filter(pk__in=these).order_by("pk").select_for_update()
    return list(rule.due(timezone.now()).filter(pk__in=list(locked.values_list("pk", flat=True))))


def _removal(run: RetentionRun, rule: RetentionRule, radiograph: Radiograph, sizes: list[int]) -> Removal:
    return Removal(
        run=run,
        rule=run.name,
        what=rule.removes,
        radiograph=radiograph.pk,
        files=len(sizes),
        bytes=sum(sizes),
        waiting=sorted(radiograph.file_names()) if rule.has_files else None,
    )


def _remove_heatmaps(these: list[Any]) -> None:
    for model in (Prediction, ShadowPrediction):
        model._default_manager.filter(radiograph__in=these).update(activation_map=None)
    _name_removal(these)


def _remove_images(these: list[Any]) -> None:
    _remove_heatmaps(these)
    Radiograph.objects.filter(pk__in=these).update(file="", preview="", thumbnail="", size=0)


def _remove_all(these: list[Any]) -> None:
    gone = Radiograph.objects.filter(pk__in=these)
    owners = {each.owner for each in gone.select_related("owner")}
    gone.delete()
    for owner in owners:
        drop_unused(owner)


def _name_removal(these: list[Any]) -> None:
    newest = Removal.objects.filter(radiograph=OuterRef("pk")).order_by("-pk")
    Radiograph.objects.filter(pk__in=these).update(removal=Subquery(newest.values("pk")[:1]))


REMOVE: dict[str, Callable[[list[Any]], None]] = {
    What.HEATMAPS: _remove_heatmaps,
    What.IMAGES: _remove_images,
    What.ALL: _remove_all,
}


def finish_removals(removals: RemovalQuerySet) -> None:
    """Delete what a process that was killed, or a storage that was away, has left of the files of removals."""
    storage = Radiograph._meta.get_field("file").storage
    last = 0
    while unfinished := list(removals.filter(pk__gt=last)[:AT_ONCE]):
        finish(unfinished, storage)
        last = unfinished[-1].pk


def finish(removals: Iterable[Removal], storage: Storage) -> None:
    """Delete the files, then their names. Those that cannot be deleted stay written down, for a later time."""
    done, left = [], []
    for removal in removals:
        try:
            for name in removal.waiting or []:
                storage.delete(name)
            done.append(removal.pk)
        except Exception as error:
            left.append(removal.pk)
            logger.error("Files of removal %s cannot be deleted: %s", removal.pk, type(error).__name__)
    Removal.objects.filter(pk__in=done, waiting__isnull=False).update(waiting=None)
    Removal.objects.filter(pk__in=left).update(try_at=timezone.now() + TRY_AGAIN_AFTER)
