"""A network with all that a checkpoint must hold, which takes seconds less to build than MobileNet."""

from __future__ import annotations

import keras

from training.config import TrainingConfig
from training.network import EMBEDDING, FEATURE_MAP, LOGIT, Arrays


def build_small_network(config: TrainingConfig, imagenet: Arrays) -> keras.Model:
    keras.utils.set_random_seed(config.seed)
    radiograph = keras.Input((224, 224, 1), dtype="uint8", name="radiograph")
    scaled = keras.layers.Rescaling(1 / 127.5, offset=-1)(radiograph)
    normal = keras.layers.BatchNormalization()(keras.layers.Conv2D(8, 32, strides=32, use_bias=False)(scaled))
    features = keras.layers.ReLU(name=FEATURE_MAP)(normal)
    embedding = keras.layers.GlobalAveragePooling2D(name=EMBEDDING)(features)
    kept = keras.layers.Dropout(config.dropout, seed=config.seed)(embedding)
    return keras.Model(radiograph, keras.layers.Dense(1, name=LOGIT)(kept))
