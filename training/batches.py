"""Batches for Keras: balanced and augmented ones to train on, clean and perturbed images to validate on."""

from __future__ import annotations

import logging
import weakref
from concurrent.futures.process import BrokenProcessPool
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from training.augmentation import augment, draw_frames, exchange, perturb, reframe, stretched
from training.config import TrainingConfig
from training.datasets import Dataset
from training.processes import start_processes

_logger = logging.getLogger(__name__)

Batch = tuple[NDArray[np.uint8], NDArray[np.float32]]

#: How much wider, against their height, PNEUMONIA files of the official training folder are than NORMAL ones, as a
#: logarithm: medians 1.50 and 1.21 of those 1,625 that are at hand with their proportions. Squeezed to a square, their
#: chests come out narrower.
PROPORTION_GAP = 0.21


class TrainingBatches(keras.utils.PyDataset):
    """Batches of augmented images, uint8 (B, 224, 224, 1), and labels, float32 (B, 1).

    In an epoch every image of the larger class comes once, and those of the smaller class are repeated, each time
    augmented otherwise, up to the same number. All batches have the same size, as compilers like it; the few images
    that are left over sit this epoch out. The same seed, epoch and batch give the same pixels, whatever the number of
    ``processes`` that augment; with 0, threads of this process do. Detail and grey values are in part those of the
    other class, and the proportions of the classes are levelled.
    """

    def __init__(self, dataset: Dataset, config: TrainingConfig, processes: int = 0) -> None:
        # With processes, each thread waits for one of them: Keras' own would be forked, or get all images anew.
        super().__init__(workers=processes or config.augmentation_threads, max_queue_size=max(8, 2 * processes))
        self.pool = start_processes(processes) if processes else None
        if self.pool:
            weakref.finalize(self, self.pool.shutdown, wait=False, cancel_futures=True)
        self.dataset, self.config, self.epoch = dataset, config, 0
        self.order = self._order()

    def _order(self) -> NDArray[np.int64]:
        """Return the indices of this epoch's images: as many of either class, shuffled."""
        random = np.random.default_rng([self.config.seed, self.epoch])
        labels = self.dataset.labels
        classes = [random.permutation(np.flatnonzero(labels == label)) for label in (0, 1)]
        count = max(map(len, classes))
        order: NDArray[np.int64] = random.permutation(np.concatenate([np.resize(each, count) for each in classes]))
        return order

    @property
    def size(self) -> int:
        """Images a batch: the configured number, or all where there are fewer."""
        return min(self.config.batch_size, len(self.order))

    def __len__(self) -> int:
        return len(self.order) // self.size

    def __getitem__(self, index: int) -> Batch:
        chosen = self.order[index * self.size : (index + 1) * self.size]
        seed = np.random.SeedSequence([self.config.seed, self.epoch, index]).generate_state(1)[0]
        images = self._augment(chosen, int(seed))
        return images[..., None], self.dataset.labels[chosen].astype(np.float32)[:, None]

    def _augment(self, chosen: NDArray[np.int64], seed: int) -> NDArray[np.uint8]:
        labels = self.dataset.labels
        donors = self.dataset.pixels[draw_donors(labels, labels[chosen], seed)]
        ways = (2 * labels[chosen] - 1) * PROPORTION_GAP / 2  # both classes half the way: none is wider than the other
        task = (self.dataset.pixels[chosen], seed, self.config.augmentation, donors, ways)
        if self.pool:
            try:
                return self.pool.submit(augment, *task).result()
            except BrokenProcessPool:
                _logger.warning(
                    "A process that augments has ended; training goes on without them, with the same images."
                )
                self.pool = None
        return augment(*task)

    def on_epoch_end(self) -> None:
        self.epoch += 1
        self.order = self._order()


def draw_donors(labels: NDArray[np.int64], receivers: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """Return, for each of the labels ``receivers``, the index of a random image whose label is the other one."""
    random = np.random.default_rng([seed, 2])
    classes = [np.flatnonzero(labels == label) for label in (0, 1)]
    return np.array([random.choice(classes[1 - label]) for label in receivers], dtype=np.int64)


#: Copies of each validation image, each under other changes.
PERTURBED_COPIES = 2


def perturbed(dataset: Dataset, seed: int, copies: int = PERTURBED_COPIES) -> Dataset:
    """Return ``copies`` of each example, copy after copy, under changes that differ between hospitals; seeded."""
    pixels = np.concatenate([perturb(dataset.pixels, seed + copy) for copy in range(copies)])
    return Dataset(dataset.examples * copies, pixels, dataset.fingerprint)


#: Strengths of the training's own changes under which calibration also sees the validation images. Twice as strong is
#: far outside of training: there NORMAL begins to look like PNEUMONIA, as it does in radiographs from elsewhere.
STRENGTHS = (1.0, 1.5, 2.0)


def strongly_changed(dataset: Dataset, seed: int) -> Dataset:
    """Return a copy of each example for each of :data:`STRENGTHS`, changed as in training or more; seeded."""
    copies = [augment(dataset.pixels, seed + number, strength) for number, strength in enumerate(STRENGTHS)]
    return Dataset(dataset.examples * len(copies), np.concatenate(copies), dataset.fingerprint)


def exchanged(dataset: Dataset, seed: int, copies: int = 1) -> Dataset:
    """Return ``copies`` of each example with the other class's proportions and, half the way or more, its detail and
    grey values; seeded.

    Training exchanges no proportions, it levels them: exchanged, the network learnt to see the stretching.
    """
    pixels = np.concatenate([_exchanged(dataset, seed + copy) for copy in range(copies)])
    return Dataset(dataset.examples * copies, pixels, dataset.fingerprint)


def _exchanged(dataset: Dataset, seed: int) -> NDArray[np.uint8]:
    donors = dataset.pixels[draw_donors(dataset.labels, dataset.labels, seed)]
    pixels = exchange(dataset.pixels, donors, seed, least=0.5)
    ways = np.random.default_rng([seed, 5]).normal((2 * dataset.labels - 1) * PROPORTION_GAP, 0.05)
    return reframe(pixels, stretched(ways, (ways > 0).astype(np.float64)))


def reframed(dataset: Dataset, seed: int, copies: int = 1) -> Dataset:
    """Return ``copies`` of each example, framed otherwise: closer around the lungs, or with more around; seeded."""
    random = np.random.default_rng([seed, 6])
    pixels = np.concatenate([reframe(dataset.pixels, draw_frames(len(dataset.pixels), random)) for _ in range(copies)])
    return Dataset(dataset.examples * copies, pixels, dataset.fingerprint)


def predict_logits(network: Any, pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the logits, shape (N,), of uint8 grey values of shape (N, 224, 224)."""
    logits = network.predict(pixels[..., None], batch_size=32, verbose=0)
    return np.asarray(logits, dtype=np.float64)[:, 0]
