"""The table of experiments: what each run was told, what it took and what came of it, with a picture of each.

The facts of a run are copied out of its folder into a small file, since the folder itself is too large to keep; table
and pictures are drawn from these files alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from diagnosis.engine import svg
from diagnosis.engine.curves import BOTTOM, LEFT, RIGHT, Chart, charts
from training.checkpoints import write_aside
from training.config import RECIPES
from training.errors import TrainingError

TABLE = "README.md"
BEGIN, END = "<!-- experiments: drawn by manage.py draw_experiments -->", "<!-- end of the experiments -->"

#: The columns of AUROC: how the validation images were changed, and what the card calls that.
CHANGES = {
    "as they are": "validation",
    "changed": "validation_perturbed",
    "exchanged": "validation_exchanged",
    "reframed": "validation_reframed",
}
HEAD = (
    "run", "recipe", "images", "epochs", "time", "validation accuracy: first, last, best",
    *(f"AUROC {change}" for change in CHANGES),
)  # fmt: skip

#: These have an option of their own; the other fields of a recipe are set by ``--set``.
OPTIONS = ("epochs", "seed", "fraction")
_MISSING = "–"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class Experiment:
    """What is kept of a run."""

    name: str
    config: dict[str, Any]
    history: list[dict[str, Any]]
    accelerator: str = ""
    minutes: float | None = None
    #: Numbers of images to train on and to validate on.
    images: tuple[int, ...] = ()
    #: Value, low and high end of the interval, by what the card calls the part.
    auroc: dict[str, list[float]] | None = None
    started_from: str = ""

    @property
    def recipe(self) -> str:
        """The named recipe that is nearest to the configuration."""
        return min(RECIPES, key=lambda name: len(_differences(name, self.config)))

    @property
    def changes(self) -> dict[str, Any]:
        """What the configuration says otherwise than its recipe."""
        return _differences(self.recipe, self.config)

    @property
    def command(self) -> str:
        words = ["manage.py train --data DIR", f"--recipe {self.recipe}"]
        for name, value in self.changes.items():
            words.append(f"--{name} {value}" if name in OPTIONS else f"--set {name}={value}")
        words += [f"--accelerator {self.accelerator}"] if self.accelerator else []
        words += ["--start-from FILE"] if self.started_from else []
        return " ".join([*words, f"--output var/{self.name}"])

    @property
    def chart(self) -> Chart | None:
        """The accuracy by epoch; None where the history holds none."""
        return next((chart for chart in charts(self.history) if chart.title == "Accuracy"), None)


def read_run(folder: Path) -> Experiment:
    """Read what ``train`` left in ``folder``, its output or, of an unfinished run, its OUTPUT.partial."""
    name = folder.resolve().name.removesuffix(".partial")
    if not _NAME.fullmatch(name):
        raise TrainingError(f"The folder {name!r} must be renamed: letters, digits, dots and hyphens name a run.")
    if (folder / "card.json").is_file():
        return _from_card(name, _read(folder / "card.json"), folder)
    if (folder / "run.json").is_file():
        told = _read(folder / "run.json")
        accelerator = str(told.pop("accelerator", ""))
        return Experiment(name, told, _history(folder), accelerator, started_from=told.get("started_from", ""))
    raise TrainingError(f"{folder} holds no run of train: neither a card.json nor, unfinished, a run.json.")


def _from_card(name: str, card: dict[str, Any], folder: Path) -> Experiment:
    training, data, metrics = (card.get(key, {}) for key in ("training", "data", "metrics"))
    figures = {part: metrics.get(part, {}).get("auroc") for part in CHANGES.values()}
    return Experiment(
        name,
        training.get("config", {}),
        training.get("epochs") or _history(folder),
        training.get("accelerator", ""),
        training.get("minutes"),
        tuple(data[part]["images"] for part in ("training", "validation") if part in data),
        {part: [each["value"], each["low"], each["high"]] for part, each in figures.items() if each},
        training.get("started_from", ""),
    )


def _history(folder: Path) -> list[dict[str, Any]]:
    return _read(folder / "history.json") if (folder / "history.json").is_file() else []  # type: ignore[return-value]


def _read(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text())  # type: ignore[no-any-return]
    except (OSError, ValueError) as error:
        raise TrainingError(f"{path} cannot be read: {error}.") from error


def _differences(recipe: str, config: dict[str, Any]) -> dict[str, Any]:
    return {
        name: config[name] for name, value in RECIPES[recipe].as_dict().items() if config.get(name, value) != value
    }


def keep(experiments: Iterable[Experiment], into: Path) -> list[Experiment]:
    """Store the facts of ``experiments`` in the folder ``into``; draw the table and pictures of all that it holds."""
    into.mkdir(parents=True, exist_ok=True)
    page = _page(into / TABLE)
    for experiment in experiments:
        _write(into / f"{experiment.name}.json", f"{json.dumps(asdict(experiment), indent=1)}\n")
    every = [_kept(path) for path in sorted(into.glob("*.json"))]
    for experiment in every:
        if chart := experiment.chart:
            _write(into / f"{experiment.name}.svg", draw_accuracy(experiment.name, chart))
    before, after = page
    _write(into / TABLE, f"{before}{BEGIN}\n\n{lay_out(every)}\n\n{END}{after}")
    return every


def _kept(path: Path) -> Experiment:
    try:
        return Experiment(**_read(path))
    except TypeError as error:
        raise TrainingError(f"{path} is not what draw_experiments wrote: {error}.") from error


def _page(path: Path) -> tuple[str, str]:
    """Return what stands before the table and after it."""
    if not path.exists():
        return "# Experiments\n\n", "\n"
    before, begin, rest = path.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise TrainingError(f"{path} lacks the lines between which the table goes: {BEGIN} and {END}.")
    return before, after


def _write(path: Path, words: str) -> None:
    write_aside(path, lambda file: file.write(words.encode()), durably=False)


def lay_out(experiments: Sequence[Experiment]) -> str:
    """Return the table, then the command and the picture of each run, as Markdown."""
    if not experiments:
        return "None yet."
    rows = [HEAD, ["---"] * len(HEAD), *map(_cells, experiments)]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return "\n\n".join([table, *map(_section, experiments)])


def _section(run: Experiment) -> str:
    picture = f"\n\n![{run.chart.summary}]({run.name}.svg)" if run.chart else ""
    return f"### {run.name}\n\n```sh\n{run.command}\n```{picture}"


def _cells(run: Experiment) -> list[str]:
    chosen = [f"`{name}={value}`" for name, value in run.changes.items() if name != "fraction"]
    return [
        run.name,
        ", ".join([f"`{run.recipe}`", *chosen]),
        _images(run),
        _epochs(run),
        _MISSING if run.minutes is None else f"{run.minutes:.0f} min, {run.accelerator or 'unknown'}",
        _accuracy(run.history),
        *(_area((run.auroc or {}).get(part)) for part in CHANGES.values()),
    ]


def _images(run: Experiment) -> str:
    share = f"{run.config.get('fraction', 1.0):.3g}"
    counts = " + ".join(f"{count:,}" for count in run.images)
    part = "all" if share == "1" else f"{float(share):.0%}"
    return f"{part} ({counts})" if counts else part


def _epochs(run: Experiment) -> str:
    done, most = len(run.history), run.config.get("epochs", _MISSING)
    unfinished = ", unfinished" if run.auroc is None else ""
    return f"{done} of {most}{unfinished}"


def _accuracy(history: list[dict[str, Any]]) -> str:
    found = [(row["clean_accuracy"], row["epoch"]) for row in history if row.get("clean_accuracy") is not None]
    if not found:
        return _MISSING
    best, epoch = max(found, key=lambda pair: pair[0])
    return f"{found[0][0]:.1%}, {found[-1][0]:.1%}, {best:.1%} in epoch {epoch}"


def _area(figure: Sequence[float] | None) -> str:
    if figure is None or figure[0] is None:
        return _MISSING
    value, low, high = figure
    return f"{value:.3f}" if low is None else f"{value:.3f} ({low:.3f}–{high:.3f})"


def draw_accuracy(name: str, chart: Chart) -> str:
    """Draw the accuracy by epoch, with its legend beside it, as an SVG file."""
    parts = ['<g transform="translate(0 26)">']
    for height, inscription in chart.levels:
        parts.append(svg.line((LEFT, height), (RIGHT, height), "level"))
        parts.append(svg.text(LEFT - 6, height + 4, inscription, "end"))
    parts.append(svg.text(LEFT, BOTTOM + 18, "epoch 1"))
    parts += [svg.text(RIGHT, BOTTOM + 18, str(chart.epochs), "end")] if chart.epochs > 1 else []
    for place, line in enumerate(chart.lines):
        y = 20 + 20 * place
        parts += [svg.curve(line.points, line.number), svg.dot(*line.points[-1], line.number)]
        parts.append(svg.curve(((RIGHT + 16, y), (RIGHT + 44, y)), line.number))
        parts.append(svg.text(RIGHT + 50, y + 4, f"{line.name} {line.last:.3f}"))
    return svg.document(f"{name}: accuracy by epoch", chart.summary, (544, 212), [*parts, "</g>"])
