"""How and of whom the radiograph was taken: the six facts of a DICOM header that are kept."""

from __future__ import annotations

import re
from datetime import date

from diagnosis.engine.dicom.reading import Tables, Values, text_of

STUDY_DATE, MODALITY, MANUFACTURER = 0x00080020, 0x00080060, 0x00080070
BIRTH_DATE, SEX, AGE, BODY_PART, VIEW = 0x00100030, 0x00100040, 0x00101010, 0x00180015, 0x00185101
#: A digital radiograph names its view here at least (PS3.3, C.8.11.5).
VIEW_CODE, CODE_MEANING = 0x00540220, 0x00080104
ACQUISITION_TAGS = {STUDY_DATE, MODALITY, MANUFACTURER, BIRTH_DATE, SEX, AGE, BODY_PART, VIEW}

#: From this age on a number of years tells who it may be (PS3.15 and HIPAA say 90), so that it is kept as this one.
OLDEST = 90
#: What the standard allows, and what devices write of parts of the body against it, such as L-SPINE.
_TERM, _PART = re.compile(r"[A-Z0-9_ ]{1,16}"), re.compile(r"[A-Z0-9_ /&()+-]{1,64}")
_AGE = re.compile(r"(\d{1,3})([DWMY]?)")
_MONTHS = {"D": 12 / 365.25, "W": 12 * 7 / 365.25, "M": 1, "Y": 12, "": 12}


def acquisition_of(values: Values, tables: Tables) -> dict[str, str | float]:
    """Return what is known of age (in years), sex, view, modality, body_part and manufacturer."""
    months = _months_of(values)
    facts: dict[str, str | float] = {
        "age": "" if months is None else min(OLDEST, months // 12 if months >= 24 else round(months / 12, 2)),
        "sex": sex if (sex := term_of(values, SEX)) in ("M", "F", "O") else "",
        "view": _view_of(values, tables),
        "modality": term_of(values, MODALITY),
        "body_part": term_of(values, BODY_PART, _PART),
        "manufacturer": text_of(values.get(MANUFACTURER, b""))[:64],
    }
    return {name: value for name, value in facts.items() if value != ""}


def age_string(years: float) -> str:
    """Return an age as DICOM writes it."""
    return f"{round(years * 12):03d}M" if years < 2 else f"{int(years):03d}Y"


def term_of(values: Values, tag: int, form: re.Pattern[str] = _TERM) -> str:
    """Return a defined term, and nothing of what does not look like one: it might be a name."""
    text = text_of(values.get(tag, b"")).upper()
    return text if form.fullmatch(text) else ""


def _view_of(values: Values, tables: Tables) -> str:
    meaning = text_of(tables.get(VIEW_CODE, {}).get(CODE_MEANING, b"")).lower()
    return term_of(values, VIEW) or ("LATERAL" if re.search(r"\blateral\b", meaning) else "")


def _months_of(values: Values) -> int | None:
    if match := _AGE.fullmatch(text_of(values.get(AGE, b"")).upper()):
        return int(int(match[1]) * _MONTHS[match[2]])
    try:
        born, taken = (date.fromisoformat(text_of(values.get(tag, b""))) for tag in (BIRTH_DATE, STUDY_DATE))
    except ValueError:
        return None
    months = (taken.year - born.year) * 12 + taken.month - born.month - (taken.day < born.day)
    return months if 0 <= months <= 150 * 12 else None
