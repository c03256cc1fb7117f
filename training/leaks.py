"""Can the label be told from the file without a look at the lungs? One measure at a time, with intervals.

In the public chest-xray-pneumonia it can: NORMAL was saved at another JPEG quality and size than the rest. A network
never sees a header, since :func:`diagnosis.engine.preprocessing.read_radiograph` decodes every file to the same number
of pixels. What remains are traces in the pixels: blocks and ringing of the compression, the sharpness that scaling
from another size left, and proportions (squeezed to a square, a broad picture becomes a narrow chest). Once squeezed
and saved anew they are in no header, and show only as a difference in fine detail. Blur, noise, re-compression and
changed proportions in training work against them: a measure that tells the label is why augmentation must stay on,
and why a validation on clean images proves little. What is tested is order alone: a measure that is in the middle for
one class and at both ends for the other goes unnoticed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diagnosis.engine.figures import Figure, figures
from training.datasets import Dataset
from training.file_facts import FILE_MEASURES, PICTURE_MEASURES, FileFacts

#: A measure tells the label where its AUC is this far from 0.5 at the near end of its interval: sorted by that one
#: number, at least 6 of 10 pairs of a healthy and a sick image come out in the same order. The leaks that are known to
#: have fooled published networks lie at 0.88 and above, honest differences of who is X-rayed how well below; and with
#: the near end of the interval a small folder does not fail by chance.
TELLING = 0.1

#: With fewer patients in a class, chance alone sorts them perfectly too often for an interval to mean something.
FEWEST_PATIENTS = 5

_SAVE_ANEW = "save all files anew at one size with one encoder setting"
_RESIZE = "bring all files to one size"
_FILE_ADVICE = {
    "quantisation table": _SAVE_ANEW,
    "bytes a pixel": _SAVE_ANEW,
    "width": _RESIZE,
    "height": _RESIZE,
    "shortest side": _RESIZE,
    "aspect ratio": "crop all files to one aspect ratio, since squeezed to a square they stay distorted",
}
_FOR_DETAIL = "train with blur, noise and JPEG re-compression, and validate under them"
_PICTURE_ADVICE = {"mean grey": "train with changes of brightness and contrast"}


@dataclass(frozen=True)
class Measured:
    """How well one measure sorts the sick from the healthy: AUC, below 0.5 where it is lower in the sick.

    ``in_file``: it is a matter of the file and not of the picture. ``values`` has shape (N,).
    """

    name: str
    in_file: bool
    auc: Figure
    values: NDArray[np.float64]

    @property
    def tells_label(self) -> bool:
        return self.auc.low > 0.5 + TELLING or self.auc.high < 0.5 - TELLING

    @property
    def advice(self) -> str:
        return _FILE_ADVICE[self.name] if self.in_file else _PICTURE_ADVICE.get(self.name, _FOR_DETAIL)

    def __str__(self) -> str:
        auc = self.auc
        interval = f"95 % interval {auc.low:.3f} to {auc.high:.3f}"
        return f"the label can be told from the {self.name} (AUC {auc.value:.3f}, {interval})"


def measure_files(dataset: Dataset, facts: Sequence[FileFacts]) -> list[Measured]:
    """Measure what the headers tell; ``facts`` are those of the examples, in the same order.

    Where all files were written with one encoder setting, the bytes a pixel are a matter of the picture: they say how
    much detail it has, and saving it anew would change nothing.
    """
    one_setting = len({each.encoding for each in facts}) == 1
    return [
        _measured(name, not (one_setting and name == "bytes a pixel"), [measure(each) for each in facts], dataset)
        for name, measure in FILE_MEASURES.items()
    ]


def measure_pictures(dataset: Dataset) -> list[Measured]:
    """Measure what the pictures tell as a whole."""
    return [
        _measured(name, False, [measure(each) for each in dataset.pixels], dataset)
        for name, measure in PICTURE_MEASURES.items()
    ]


def _measured(name: str, in_file: bool, values: Sequence[float], dataset: Dataset) -> Measured:
    array = np.asarray(values, dtype=np.float64)
    return Measured(name, in_file, _auc(array, dataset), array)


def _auc(values: NDArray[np.float64], dataset: Dataset) -> Figure:
    """Return the AUC with its interval over patients: 0 to 1 where there are too few of them."""
    levels, ranks = np.unique(values, return_inverse=True)
    if len(levels) == 1:
        return Figure(0.5, 0.5, 0.5)
    auc = figures(dataset.labels, ranks / (len(levels) - 1), threshold=0.5, groups=dataset.patients)["auroc"]
    for label in (0, 1):
        if len({e.patient for e in dataset.examples if e.label == label}) < FEWEST_PATIENTS:
            return Figure(auc.value, 0.0, 1.0)
    return auc
