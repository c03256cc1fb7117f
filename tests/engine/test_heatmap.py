"""The heat map: which value has which colour, and where on the radiograph it lies."""

from __future__ import annotations

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from diagnosis.engine.heatmap import COLOURS, HOTTEST, OPAQUE_FROM, SIDE, heatmap_png

Map = list[list[float]]


def even(value: float) -> Map:
    return [[value] * 7 for _ in range(7)]


def pixels(activation_map: Map, slope: float = 1.0, intercept: float = 0.0) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(heatmap_png(activation_map, slope, intercept))) as image:
        assert image.format == "PNG"
        assert image.mode == "RGBA"
        return np.asarray(image)


@pytest.mark.parametrize(
    ("log_odds", "rgba"),
    [
        (-5.0, (66, 10, 104, 0)),
        (0.0, (66, 10, 104, 0)),
        (1.0, (95, 19, 110, 64)),
        (4.0, (179, 50, 90, 255)),
        (10.0, (246, 215, 70, 255)),
        (40.0, (246, 215, 70, 255)),
    ],
)
def test_a_value_has_the_same_colour_on_every_image(log_odds: float, rgba: tuple[int, ...]) -> None:
    found = pixels(even(log_odds))
    assert found.shape == (SIDE, SIDE, 4)
    assert {tuple(pixel) for pixel in found.reshape(-1, 4).tolist()} == {rgba}


def test_values_are_calibrated_as_the_answer_is() -> None:
    assert np.array_equal(pixels(even(3.0), slope=2.0, intercept=-1.0), pixels(even(5.0)))


@pytest.mark.parametrize(("row", "column"), [(0, 0), (0, 6), (6, 0), (6, 6), (2, 4)])
def test_a_hot_part_lies_where_it_is_on_the_image(row: int, column: int) -> None:
    activation_map = even(-3.0)
    activation_map[row][column] = HOTTEST
    alpha = pixels(activation_map)[..., 3].astype(float)
    rows, columns = np.nonzero(alpha > 128)
    part = SIDE / 7
    assert rows.mean() == pytest.approx((row + 0.5) * part, abs=part / 6)
    assert columns.mean() == pytest.approx((column + 0.5) * part, abs=part / 6)
    assert rows.max() - rows.min() < 2 * part


def test_a_part_beyond_the_scale_does_not_outshine_its_neighbours() -> None:
    on_scale, beyond = even(-1.0), even(-1.0)
    on_scale[3][3], beyond[3][3] = HOTTEST, 5 * HOTTEST
    assert np.array_equal(pixels(on_scale), pixels(beyond))


def test_the_colours_rise_in_lightness_all_the_way_for_every_kind_of_colour_vision() -> None:
    lightness = [0.2126 * r**2.2 + 0.7152 * g**2.2 + 0.0722 * b**2.2 for r, g, b in COLOURS]
    assert lightness == sorted(lightness)
    assert lightness[-1] > 10 * lightness[0]
    assert 0 < OPAQUE_FROM < 1
