"""Augmentation in processes of its own: the same pixels, nothing left running, no TensorFlow in them."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.training.conftest import make_dataset
from training.batches import TrainingBatches
from training.config import TrainingConfig
from training.processes import MOST, processes_beside

DATASET = make_dataset([str(i) for i in range(12)], [0] * 4 + [1] * 8)
CONFIG = replace(TrainingConfig(), batch_size=4)


@pytest.fixture
def shared() -> TrainingBatches:
    return TrainingBatches(DATASET, CONFIG, processes=2)


def test_the_pixels_are_the_same_whatever_the_number_of_processes(shared: TrainingBatches) -> None:
    alone = TrainingBatches(DATASET, CONFIG)
    for _ in range(2):  # epochs
        with ThreadPoolExecutor(3) as threads:
            together = dict(zip((3, 1, 0, 2), threads.map(shared.__getitem__, (3, 1, 0, 2)), strict=True))
        for index in range(len(alone)):
            assert (alone[index][0] == together[index][0]).all()
            assert (alone[index][1] == together[index][1]).all()
        alone.on_epoch_end()
        shared.on_epoch_end()


def test_threads_make_the_same_pixels_too() -> None:
    alone = TrainingBatches(DATASET, CONFIG)
    with ThreadPoolExecutor(4) as threads:
        for index, (images, _) in enumerate(threads.map(alone.__getitem__, range(4))):
            assert (images == alone[index][0]).all()


def test_training_ends_with_the_same_weights(shared: TrainingBatches) -> None:
    def train_on(batches: TrainingBatches) -> NDArray[np.float32]:
        network = keras.Sequential(
            [
                keras.Input((224, 224, 1), dtype="uint8"),
                keras.layers.Rescaling(1 / 255),
                keras.layers.AveragePooling2D(56),
                keras.layers.Flatten(),
                keras.layers.Dense(1, kernel_initializer="zeros"),
            ]
        )
        network.compile("sgd", "mse", jit_compile=False)
        network.fit(batches, epochs=2, verbose=0, shuffle=False)
        return np.asarray(network.layers[-1].kernel)

    alone = train_on(TrainingBatches(DATASET, CONFIG))
    assert np.array_equal(alone, train_on(shared))
    assert alone.any()


def test_the_processes_hold_no_tensorflow(shared: TrainingBatches) -> None:
    assert shared.pool
    assert shared[0]
    loaded = shared.pool.submit(eval, "set(__import__('sys').modules)").result()
    assert "training.augmentation" in loaded
    assert not {"tensorflow", "keras", "django"} & loaded


def test_a_process_that_dies_changes_no_pixel(shared: TrainingBatches, caplog: pytest.LogCaptureFixture) -> None:
    assert shared.pool
    os.kill(shared.pool.submit(os.getpid).result(), signal.SIGKILL)
    assert (shared[1][0] == TrainingBatches(DATASET, CONFIG)[1][0]).all()
    assert "goes on without them" in caplog.text


def test_no_process_outlives_a_trainer_that_is_killed() -> None:
    code = (
        "import os, signal\n"
        "from training.processes import start_processes\n"
        "if __name__ == '__main__':\n"
        "    print(start_processes(1).submit(os.getpid).result(), flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, timeout=60)
    child = int(done.stdout)
    for _ in range(100):
        try:
            os.kill(child, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    pytest.fail("The process still runs.")


def test_a_cpu_needs_none_and_an_accelerator_gets_all_cores_but_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    assert (processes_beside("cpu"), processes_beside("gpu"), processes_beside("tpu")) == (0, 7, 7)
    monkeypatch.setattr(os, "cpu_count", lambda: 96)
    assert processes_beside("gpu") == MOST
