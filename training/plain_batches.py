"""Batches as the original recipe made them: the smaller class brought level with augmented copies, nothing else."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from training.augmentation import augment
from training.batches import Batch, TrainingBatches


class PlainBatches(TrainingBatches):
    """Batches in which an image is left as it is, and augmented only where it stands in for a missing one."""

    def __getitem__(self, index: int) -> Batch:
        places = slice(index * self.size, (index + 1) * self.size)
        chosen, repeats = self.order[places], self._repeats()[places]
        images = self.dataset.pixels[chosen]
        seed = np.random.SeedSequence([self.config.seed, self.epoch, index]).generate_state(1)[0]
        images[repeats] = augment(images[repeats], int(seed), self.config.augmentation)
        return images[..., None], self.dataset.labels[chosen].astype(np.float32)[:, None]

    def _repeats(self) -> NDArray[np.bool_]:
        """Return which places of this epoch's order hold an image that has come before."""
        repeats = np.ones(len(self.order), dtype=bool)
        repeats[np.unique(self.order, return_index=True)[1]] = False
        return repeats
