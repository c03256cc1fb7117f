"""Who may import whom, read off the syntax trees; and what serving must do without."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("diagnosis", "training", "pneumodetect")
ENGINE_MAY_IMPORT = {"numpy", "PIL", "pydicom", "gdcm", "ai_edge_litert", "diagnosis"} | sys.stdlib_module_names
#: The registry knows the published versions; what trains knows the engine alone, and runs without a database.
REGISTRY = {"training.models", "training.querysets", "training.runs", "training.admin"}
REGISTRY_MAY_TAKE = ("diagnosis.engine", "diagnosis.models", "diagnosis.publishing", "diagnosis.administration")
#: All else in training runs on JAX as well.
NEEDS_TENSORFLOW = {"training.conversion", "training.precision", "training.importing"}
#: What a web server loads of training, with serving requirements alone.
LIGHT = {"apps", "admin", "child", "config", "errors", "forms", "models", "querysets", "runs", "sources", "tasks"}
HEAVY = {"tensorflow", "keras", "imgaug", "cv2", "matplotlib", "scipy", "h5py"}


def imports_of(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            assert node.module
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def violations(tree: Path) -> list[str]:
    found = []
    for path in sorted(p for room in ROOMS for p in (tree / room).rglob("*.py")):
        place = path.relative_to(tree).with_suffix("").as_posix().replace("/", ".")
        found += [f"{place} imports {name}" for name in imports_of(path) if not _may_import(place, name)]
    return found


def _may_import(place: str, name: str) -> bool:
    room, top = place.split(".")[0], name.split(".")[0]
    if top == "pneumodetect":
        return room == "pneumodetect"
    if top == "training":
        return room in ("training", "pneumodetect")
    if top == "keras":
        return room == "training"
    if top == "tensorflow":
        return place in NEEDS_TENSORFLOW
    if top == "imgaug":
        return place == "training.augmentation"
    if place.startswith("diagnosis.engine"):
        return top in ENGINE_MAY_IMPORT and (top != "diagnosis" or name.startswith("diagnosis.engine"))
    if room == "training" and top == "diagnosis":
        return name == "diagnosis" or name.startswith(REGISTRY_MAY_TAKE if place in REGISTRY else "diagnosis.engine")
    return top != "PIL"  # pixels are made in the engine; it was answered above


def test_every_room_imports_only_what_it_may() -> None:
    # training draws contact sheets and curves with Pillow; no other room but the engine touches pixels
    allowed = [v for v in violations(ROOT) if v.startswith("training.") and " imports PIL" in v]
    assert [v for v in violations(ROOT) if v not in allowed] == []


@pytest.mark.parametrize(
    ("place", "line"),
    [
        ("diagnosis/engine/gate.py", "import django"),
        ("diagnosis/engine/gate.py", "from diagnosis import models"),
        ("diagnosis/submission.py", "from training import trainer"),
        ("diagnosis/worker.py", "import tensorflow as tf"),
        ("diagnosis/submission.py", "from PIL import Image"),
        ("training/trainer.py", "from diagnosis import submission"),
        ("training/trainer.py", "from diagnosis.models import ModelVersion"),
        ("training/runs.py", "from diagnosis import submission"),
        ("training/trainer.py", "import imgaug"),
        ("training/trainer.py", "import tensorflow as tf"),
        ("training/trainer.py", "import pneumodetect.settings"),
        ("diagnosis/models.py", "from pneumodetect import settings"),
    ],
)
def test_a_forbidden_import_is_noticed(tmp_path: Path, place: str, line: str) -> None:
    (tmp_path / place).parent.mkdir(parents=True)
    (tmp_path / place).write_text(line)
    assert violations(tmp_path)


def test_serving_needs_nothing_that_only_training_requires() -> None:
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({HEAVY}))\n"
        "import django; django.setup()\n"
        "import pneumodetect.wsgi, pneumodetect.urls, diagnosis.sweep, diagnosis.admin, diagnosis.api.views\n"
        "import training.admin, training.tasks\n"
        f"light = {{f'training.{{name}}' for name in {LIGHT}}}\n"
        "heavy = {m for m in sys.modules if m.startswith('training.')} - light\n"
        "heavy |= {'pydicom', 'gdcm', 'typst'} & set(sys.modules)\n"
        "sys.exit(', '.join(sorted(heavy)) or 0)"
    )
    environment = {"DJANGO_SETTINGS_MODULE": "pneumodetect.settings", "PATH": "/usr/bin:/bin", "HOME": "/tmp"}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_serving_works_where_training_is_absent() -> None:
    code = (
        "import importlib.util as util, sys; find = util.find_spec\n"
        "util.find_spec = lambda name, *more: None if name == 'training' else find(name, *more)\n"
        "sys.modules['training'] = None\n"
        "import django; django.setup()\n"
        "import pneumodetect.wsgi, pneumodetect.urls, diagnosis.pages.models\n"
        "from pneumodetect.celery import app; app.loader.init_worker(); app.WorkController(pool_cls='solo')"
    )
    environment = {"DJANGO_SETTINGS_MODULE": "pneumodetect.settings", "PATH": "/usr/bin:/bin", "HOME": "/tmp"}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_engine_works_without_django() -> None:
    code = (
        "import sys; sys.modules['django'] = None; sys.modules['celery'] = None\n"
        "import diagnosis.engine.classifier, diagnosis.engine.figures, diagnosis.engine.examples"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
