from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.training.conftest import draw_chest
from training.augmentation import EDGES, Images, augment, draw_frames, exchange, perturb, reframe, stretched

IMAGES = np.stack([draw_chest(i % 2, i) for i in range(16)])
DISC = np.where(np.hypot(*(np.mgrid[:224, :224] - 111.5)) < 50, 200, 20).astype(np.uint8)


@pytest.mark.parametrize("change", [augment, perturb])
def test_the_same_seed_gives_the_same_pixels_and_another_seed_others(change: Callable[[Images, int], Images]) -> None:
    first = change(IMAGES, 7)
    assert (change(IMAGES, 7) == first).all()
    assert (change(IMAGES, 8) != first).any(axis=(1, 2)).mean() > 0.7


@pytest.mark.parametrize("change", [augment, perturb])
def test_pixels_change_but_neither_shape_nor_type(change: Callable[[Images, int], Images]) -> None:
    changed = change(IMAGES, 0)
    assert changed.shape == IMAGES.shape
    assert changed.dtype == np.uint8
    assert (changed != IMAGES).any(axis=(1, 2)).mean() > 0.8


def test_the_originals_are_left_alone() -> None:
    before = IMAGES.copy()
    augment(IMAGES, 0)
    assert (before == IMAGES).all()


def test_strength_zero_changes_nothing() -> None:
    assert (augment(IMAGES, 0, strength=0.0) == IMAGES).all()


def test_copies_of_one_image_come_out_different() -> None:
    changed = augment(np.stack([IMAGES[0]] * 8), 3)
    assert len({picture.tobytes() for picture in changed}) == 8


def test_a_chest_is_still_a_chest_after_every_change() -> None:
    changed = np.concatenate([augment(IMAGES, seed) for seed in range(3)])
    likeness = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(changed, [*IMAGES] * 3, strict=True)]
    assert changed.std(axis=(1, 2)).min() > 8
    assert np.median(likeness) > 0.5


def test_the_heart_stays_on_its_side() -> None:
    picture = np.tile(np.linspace(30, 220, 224), (224, 1)).astype(np.uint8)  # brighter to the right
    for changed in augment(np.stack([picture] * 32), 0).astype(int):
        assert changed[60:160, 130:190].mean() > changed[60:160, 30:90].mean()


def test_sharpness_tells_no_label_after_augmentation() -> None:
    """Blurred and sharp versions of one chest are told apart by their fine detail before, and hardly after."""
    sharp = np.stack([np.random.default_rng(i).integers(90, 160, (224, 224)).astype(np.uint8) for i in range(40)])
    blurred = sharp.copy()
    blurred[:, 1:] = (sharp[:, 1:].astype(int) + sharp[:, :-1]) // 2
    assert _auroc(_detail(sharp), _detail(blurred)) == 1
    after = [_auroc(_detail(augment(sharp, seed)), _detail(augment(blurred, seed + 100))) for seed in range(3)]
    assert np.mean(after) < 0.72


def test_a_full_exchange_gives_the_donors_detail_and_grey_values_and_leaves_the_shape_of_the_chest() -> None:
    crisp, soft = IMAGES[:8], np.stack([_softened(image) for image in IMAGES[8:]])
    changed = exchange(crisp, soft, 0, least=1.0)
    before, wanted, after = _detail(crisp), _detail(soft), _detail(changed)
    assert (np.abs(after - wanted) < 0.3 * np.abs(before - wanted)).all()
    assert (np.abs(changed.mean(axis=(1, 2)) - soft.mean(axis=(1, 2))) < 5).all()
    assert min(np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(crisp, changed, strict=True)) > 0.7


def test_an_image_exchanged_with_itself_stays_as_it_is() -> None:
    assert np.abs(exchange(IMAGES, IMAGES, 0, least=1.0).astype(int) - IMAGES).max() <= 1


def test_only_a_share_of_the_images_is_exchanged_and_the_same_at_each_time() -> None:
    donors = np.stack([_softened(image) for image in IMAGES])
    changed = exchange(IMAGES, donors, 3, share=0.5)
    assert 3 <= (changed != IMAGES).any(axis=(1, 2)).sum() <= 13
    assert (exchange(IMAGES, donors, 3, share=0.5) == changed).all()


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("way", [0.2, -0.2, 0.0])
def test_stretching_changes_the_proportions_by_the_way_and_leaves_the_centre(way: float, share: float) -> None:
    lit = reframe(DISC[None], stretched(np.array([way]), np.array([share])))[0] > 110
    assert np.log(lit[112].sum() / lit[:, 112].sum()) == pytest.approx(way, abs=0.03)
    assert lit[112].sum() == pytest.approx(100 * np.exp(way * share), abs=2)
    assert np.argwhere(lit).mean(axis=0) == pytest.approx((111.5, 111.5), abs=1)


def test_an_edge_that_goes_inwards_cuts_off_and_one_that_goes_outwards_repeats_the_outermost_pixels() -> None:
    picture = np.full((224, 224), 100, np.uint8)
    picture[:28], picture[-28:] = 10, 200
    closer, wider = reframe(np.stack([picture] * 2), np.array([[0.125, 0, 0, 0], [0, 0, -0.25, 0]]))
    assert closer[4, 100] == 100
    assert (closer[-28:] == 200).all()
    assert (wider[-60:] == 200).all()
    assert (wider[:20] == 10).all()


def test_frames_differ_at_each_edge_and_stay_within_their_range() -> None:
    frames = draw_frames(400, np.random.default_rng(0), 0.5)
    low, high = np.array(EDGES).T / 2
    assert (frames >= low).all()
    assert (frames <= high).all()
    assert (frames.std(axis=0) > 0.25 * (high - low)).all()
    assert np.abs(np.corrcoef(frames.T) - np.eye(4)).max() < 0.15


def test_ways_level_the_proportions_of_two_classes() -> None:
    """One chest, made narrower in one class and wider in the other, comes out alike when both go half the way back."""
    ways = np.array([0.1] * 60 + [-0.1] * 60)
    squeezed = reframe(np.stack([DISC] * 120), stretched(-ways, np.full(120, 0.5)))
    proportions = [_proportions(augment(squeezed, 5, ways=each)) for each in (ways, None)]
    levelled, as_they_are = (each[:60].mean() - each[60:].mean() for each in proportions)
    assert as_they_are < -0.1
    assert abs(levelled) < 0.5 * abs(as_they_are)


def _proportions(images: Images) -> NDArray[np.float64]:
    lit = images > (images.min(axis=(1, 2)) / 2 + images.max(axis=(1, 2)) / 2)[:, None, None]
    spread = [np.argwhere(each).std(axis=0) for each in lit]
    return np.array([np.log(x / y) for y, x in spread])


def _softened(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    padded = np.pad(image.astype(float), 2, mode="edge")
    mean = np.mean([padded[y : y + 224, x : x + 224] for y in range(5) for x in range(5)], axis=0)
    softened: NDArray[np.uint8] = (60 + 0.6 * mean).astype(np.uint8)
    return softened


def _detail(images: Images) -> NDArray[np.float64]:
    detail: NDArray[np.float64] = np.abs(np.diff(images.astype(int), axis=1)).mean(axis=(1, 2))
    return detail


def _auroc(positive: NDArray[np.float64], negative: NDArray[np.float64]) -> float:
    return float((positive[:, None] > negative).mean())
