"""Fits the gate: from what the trained network sees in a picture to scores for what may be wrong with it.

Two kinds of score, both from features that the forward pass gives anyway (the mean of each channel at six depths). A
multinomial regression tells upright radiographs from inverted, turned and cropped ones and from other pictures. The
distance to the radiographs (Mahalanobis along their principal axes, plus what lies off these axes) knows nothing but
radiographs, and so refuses also what nobody thought of.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from diagnosis.engine.gate import Gate
from training.batches import predict
from training.gallery import RIGHT, Gallery
from training.network import EMBEDDING

Floats = NDArray[np.float32]

#: Layers whose channels' means are the features. The first three blocks usually keep their ImageNet weights.
DEPTHS = (*(f"conv_pw_{block}_relu" for block in (3, 5, 7, 9, 11)), EMBEDDING)

#: The code of each score: those of the regression's classes after RIGHT, in the gallery's order; last, the distance.
CODES = ("inverted", "rotated", "rotated", "rotated", "cropped", "not_a_chest_radiograph", "not_a_chest_radiograph")

#: Principal axes along which the distance is measured.
AXES = 96
#: Weight decay of the regression, and its steps.
DECAY, STEPS = 1e-3, 120
FOLDS = 5
#: Share of right radiographs, some of them under changes, that may exceed the regression's limit, and the distance's.
FALSE_REFUSALS = 0.002


def channel_means(network: keras.Model) -> list[Any]:
    """Return the symbolic outputs, each of shape (N, channels), that the gate is fed with."""
    outputs = [network.get_layer(name).output for name in DEPTHS]
    return [keras.ops.mean(each, axis=(1, 2)) if len(each.shape) == 4 else each for each in outputs]


def read_features(network: keras.Model, pixels: NDArray[np.uint8]) -> Floats:
    """Return the features, float32 (N, D), of uint8 images of shape (N, 224, 224)."""
    model = keras.Model(network.input, keras.layers.Concatenate()(channel_means(network)))
    return predict(model, pixels)


@dataclass(frozen=True)
class Scorer:
    """``centre`` and ``scale``, shape (D,), put features in units of the radiographs' own spread; ``axes`` (D, K) and
    ``variances`` (K,) are their principal axes, ``rest`` the typical square off these. ``weights`` (D, C) and
    ``bias`` (C,) are the regression's."""

    centre: Floats
    scale: Floats
    axes: Floats
    variances: Floats
    rest: float
    weights: Floats
    bias: Floats

    def scores(self, features: Any) -> Any:
        """Return the scores, shape (N, C), of features (N, D): arrays, or tensors of the graph that is exported.

        First each wrong class' logit less that of a right radiograph, then the logarithm of the distance.
        """
        scaled = (features - self.centre) * self.scale
        logits = keras.ops.matmul(scaled, self.weights) + self.bias
        along = keras.ops.square(keras.ops.matmul(scaled, self.axes))
        off = keras.ops.maximum(keras.ops.sum(keras.ops.square(scaled), 1) - keras.ops.sum(along, 1), 0.0)
        distance = keras.ops.mean(along / self.variances, 1) + off / self.rest
        wrong = logits[:, 1:] - logits[:, :1]
        return keras.ops.concatenate([wrong, keras.ops.log(distance + 1e-6)[:, None]], 1)

    def write(self, path: Path) -> None:
        np.savez(path, allow_pickle=False, **asdict(self))

    @classmethod
    def read(cls, path: Path) -> Scorer:
        with np.load(path, allow_pickle=False) as file:
            return cls(**{name: value if value.ndim else value.item() for name, value in file.items()})

    def __call__(self, features: Floats) -> NDArray[np.float64]:
        return np.asarray(keras.ops.convert_to_numpy(self.scores(features)), dtype=np.float64)


def fit_scorer(features: Floats, gallery: Gallery, start: Scorer | None = None, steps: int = STEPS) -> Scorer:
    """Fit on all pictures of the gallery; ``start`` is a fit on nearly the same ones, whose regression is gone on with
    and whose distance is kept."""
    if start is None:
        right = features[gallery.classes == RIGHT]
        spread = right.std(axis=0)
        scale = _block_weights(features.shape[1]) / (spread + 0.1 * np.median(spread) + 1e-4)
        centre = right.mean(axis=0)
        axes, variances, rest = _principal_axes((right - centre) * scale)
        shape = (features.shape[1], len(CODES))
        start = Scorer(
            centre, scale, axes, variances, rest, np.zeros(shape, np.float32), np.zeros(shape[1], np.float32)
        )
    scaled = (features - start.centre) * start.scale
    weights, bias = _regress(scaled, gallery.classes, start.weights, start.bias, steps)
    return Scorer(start.centre, start.scale, start.axes, start.variances, start.rest, weights, bias)


def _block_weights(size: int) -> Floats:
    """Return for each of ``size`` features a weight that lets each depth count the same, however many its channels."""
    channels = [128, 256, 512, 512, 512, size - 1920]
    return np.concatenate([np.full(n, 1 / np.sqrt(n * len(channels)), np.float32) for n in channels])


def _principal_axes(scaled: Floats) -> tuple[Floats, Floats, float]:
    """Return the axes (D, K), the variance along each, none taken smaller than half the last, and the typical rest."""
    count = max(1, min(AXES, len(scaled) // 4))
    if len(scaled) < scaled.shape[1]:  # the smaller of two problems with the same solution
        values, vectors = np.linalg.eigh(scaled @ scaled.T / len(scaled))
        vectors = scaled.T @ vectors / np.sqrt(np.maximum(values, 1e-9) * len(scaled))
    else:
        values, vectors = np.linalg.eigh(scaled.T @ scaled / len(scaled))
    axes = np.ascontiguousarray(vectors[:, ::-1][:, :count])
    variances = values[::-1][:count] + 0.5 * values[-count] + 1e-9
    rest = np.square(scaled).sum(axis=1) - np.square(scaled @ axes).sum(axis=1)
    return axes, variances.astype(np.float32), float(np.median(rest)) + 1e-6


def _regress(
    scaled: Floats, classes: NDArray[np.int64], weights: Floats, bias: Floats, steps: int
) -> tuple[Floats, Floats]:
    """Fit the multinomial regression; each class counts the same, that of the right radiographs twice."""
    size, count = weights.shape
    present = np.bincount(classes, minlength=count)
    share = np.where(classes == RIGHT, 2.0, 1.0) / present[classes]
    share = (share / share.sum()).astype(np.float32)
    target = np.eye(count, dtype=np.float32)[classes]
    stretch = np.float32(10 / np.sqrt(np.mean(np.square(scaled).sum(axis=1))))
    scaled = scaled * stretch

    def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        w, b = np.split(flat.astype(np.float32).reshape(size + 1, count), [size])
        logits = scaled @ w + b
        logits -= logits.max(axis=1, keepdims=True)
        log_chance = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        slope = (np.exp(log_chance) - target) * share[:, None]
        value = -(share @ (log_chance * target).sum(axis=1)) + 0.5 * DECAY * np.square(w).sum()
        return float(value), np.concatenate([scaled.T @ slope + DECAY * w, slope.sum(axis=0)[None]]).ravel().astype(
            float
        )

    first = np.concatenate([weights / stretch, bias[None]]).ravel().astype(np.float64)
    found = minimize(loss, first, jac=True, method="L-BFGS-B", options={"maxiter": steps})
    fitted = found.x.astype(np.float32).reshape(size + 1, count)
    return fitted[:size] * stretch, fitted[size]


def fit_gate(
    network: keras.Model, gallery: Gallery, seed: int, report: Callable[[str], None] = print
) -> tuple[Scorer, Gate]:
    """Look at the whole gallery through the network, and fit the gate on what it sees there."""
    report(f"The gate is fitted on {len(gallery.pixels)} pictures.")
    return fit_on_features(read_features(network, gallery.pixels), gallery, seed)


def fit_on_features(features: Floats, gallery: Gallery, seed: int) -> tuple[Scorer, Gate]:
    """Fit the scores on the whole gallery, and the limits on scores that were given out of fold.

    The folds are by group: all pictures made of one patient's radiographs are scored by a fit that saw none of them.
    """
    scores = _scores_out_of_fold(features, gallery, seed)
    limits = choose_limits(scores[gallery.classes == RIGHT])
    whole = fit_scorer(features, gallery)
    unseen = _scores_of_unseen_kinds(features, gallery, whole)
    gate = Gate(CODES, limits)
    figures = {"out_of_fold": _refused(gate, scores, gallery), "kind_left_out": _refused(gate, unseen, gallery)}
    return whole, Gate(CODES, limits, figures)


def choose_limits(right: NDArray[np.float64], share: float = FALSE_REFUSALS) -> tuple[float, ...]:
    """Return a limit for each score, given those of right radiographs, shape (N, S): all but the last have the same.

    It is never negative: where a right radiograph is the likelier, only the distance may refuse.
    """
    wrong = max(0.0, _upper(right[:, :-1].max(axis=1), share))
    return (*[round(wrong, 4)] * (right.shape[1] - 1), round(_upper(right[:, -1], share), 4))


def _upper(values: NDArray[np.float64], share: float) -> float:
    """Return the value that ``share`` exceed; of few values, one beyond the highest."""
    margin = np.ptp(values) / np.sqrt(len(values))
    return float(np.quantile(values, 1 - share) + (margin if len(values) * share < 1 else 0))


def _scores_out_of_fold(features: Floats, gallery: Gallery, seed: int) -> NDArray[np.float64]:
    scores = np.full((len(features), len(CODES)), np.nan)
    for held_out in gallery.folds(FOLDS, seed):
        scores[held_out] = fit_scorer(features[~held_out], gallery.part(~held_out))(features[held_out])
    return scores


def _scores_of_unseen_kinds(features: Floats, gallery: Gallery, whole: Scorer) -> NDArray[np.float64]:
    """Return for the pictures of each kind of stranger the scores of a fit that had none of this kind; else NaN."""
    scores = np.full((len(features), len(CODES)), np.nan)
    for kind in gallery.stranger_kinds():
        there = gallery.kinds == kind
        fit = fit_scorer(features[~there], gallery.part(~there), start=whole, steps=STEPS // 3)
        scores[there] = fit(features[there])
    return scores


def _refused(gate: Gate, scores: NDArray[np.float64], gallery: Gallery) -> dict[str, dict[str, int]]:
    """Return by kind how many pictures there are with scores, and how many of them the gate refuses."""
    refused = np.array([gate.refusal(each) is not None for each in scores])
    known = ~np.isnan(scores).any(axis=1)
    return {
        str(kind): {"images": int(there.sum()), "refused": int(refused[there].sum())}
        for kind in _in_order(gallery.kinds)
        if (there := known & (gallery.kinds == kind)).any()
    }


def _in_order(kinds: Sequence[str] | NDArray[np.str_]) -> list[str]:
    return list(dict.fromkeys(str(kind) for kind in kinds))
