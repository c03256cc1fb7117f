"""What moves the weights, and how far with each step."""

from __future__ import annotations

import keras

from training.config import TrainingConfig


def make_optimizer(config: TrainingConfig, steps: int) -> keras.optimizers.Optimizer:
    """Return Adam or AdamW with the schedule over ``steps``, averaging the weights where the configuration says so."""
    average = {"use_ema": config.ema_momentum > 0, "ema_momentum": config.ema_momentum or None}
    rate = make_schedule(config, steps)
    if config.optimizer == "adam":
        return keras.optimizers.Adam(rate, **average)
    optimizer = keras.optimizers.AdamW(rate, weight_decay=config.weight_decay, **average)
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer


def make_schedule(config: TrainingConfig, steps: int) -> keras.optimizers.schedules.LearningRateSchedule:
    if config.schedule == "inverse_time":
        return keras.optimizers.schedules.InverseTimeDecay(
            config.learning_rate, decay_steps=1, decay_rate=config.decay
        )
    warm_up = max(1, round(config.warm_up * steps))
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0,
        decay_steps=max(1, steps - warm_up),
        warmup_target=config.learning_rate,
        warmup_steps=warm_up,
    )
