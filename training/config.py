"""What a training run may be told. A recipe is a named configuration."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from training.errors import TrainingError


@dataclass(frozen=True)
class TrainingConfig:
    #: Share of the patients, in each class, that is kept out of training: threshold and stopping are chosen on them.
    validation_fraction: float = 0.12
    #: For cross-validation: the patients are dealt into so many folds, and ``fold`` is kept out of training instead of
    #: that share; 0: no folds.
    folds: int = 0
    #: Which of the folds is kept out, from 0.
    fold: int = 0
    #: Share of the network's layers with weights, counted from the input, that start from ImageNet; 0 to 1.
    share_from_imagenet: float = 0.93
    #: Of MobileNet's 13 blocks, how many (with the first convolution) keep their ImageNet weights; -1: none does.
    frozen_blocks: int = 3
    #: Share of the 1024 pooled features that are dropped in a training step.
    dropout: float = 0.2
    #: Epochs at most; in each the larger class is seen once and the smaller is repeated up to its number.
    epochs: int = 9
    #: Epochs without a better validation under perturbation after which training stops.
    patience: int = 6
    #: Images a step.
    batch_size: int = 32
    #: Highest learning rate: reached after warm-up, then lowered along a cosine to zero.
    learning_rate: float = 6e-4
    #: Share of all steps over which the learning rate rises from zero.
    warm_up: float = 0.08
    #: AdamW's decay, as a multiple of the learning rate.
    weight_decay: float = 0.02
    #: Both labels are moved this far, in all, towards each other: 0.1 trains towards 0.05 and 0.95.
    label_smoothing: float = 0.1
    #: The weights that are kept are a moving average; this is what remains of it after one step; 0: none is made.
    ema_momentum: float = 0.995
    #: How strong augmentation is; 1 is meant for radiographs of other hospitals, 0 changes nothing.
    augmentation: float = 1.0
    #: Threads that augment beside the training step.
    augmentation_threads: int = 1
    #: Radiographs of each source, at most, that the gate is fitted on.
    gate_radiographs: int = 1600
    #: Pictures of each drawn kind that the gate learns to refuse.
    gate_drawings: int = 60
    #: Seed of the split, the first weights, the order of images and their augmentation.
    seed: int = 0
    #: Share of the patients of each class that is used at all; less than 1 is for trials.
    fraction: float = 1.0
    #: ``adamw``, or ``adam``, which lets no weight decay.
    optimizer: str = "adamw"
    #: How the learning rate goes: ``cosine`` as above, or ``inverse_time``: learning_rate / (1 + decay x steps done).
    schedule: str = "cosine"
    #: The decay of the ``inverse_time`` schedule, a step.
    decay: float = 0.0
    #: What is augmented: ``all`` images, or ``repeats``: only those with which the smaller class is brought level.
    augmented: str = "all"
    #: What chooses the best epoch: ``auroc`` under changes, or ``loss`` on the validation images as they are.
    judged_by: str = "auroc"

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


#: What the first demo of this platform did: Adam, 1e-4, decay 1e-5, early stopping, the smaller class augmented up to
#: the larger one. Its patience is not known and taken as 5.
_ORIGINAL = TrainingConfig(
    frozen_blocks=-1,
    epochs=30,
    patience=5,
    learning_rate=1e-4,
    label_smoothing=0.0,
    ema_momentum=0.0,
    optimizer="adam",
    schedule="inverse_time",
    decay=1e-5,
    augmented="repeats",
    judged_by="loss",
)

RECIPES = {"default": TrainingConfig(), "original": _ORIGINAL, "original-20": replace(_ORIGINAL, epochs=20)}


def recipe(name: str) -> TrainingConfig:
    """Return the recipe of that name. Raises TrainingError where there is none."""
    if name not in RECIPES:
        raise TrainingError(f"There is no recipe {name!r}. Known recipes: {', '.join(sorted(RECIPES))}.")
    return RECIPES[name]
