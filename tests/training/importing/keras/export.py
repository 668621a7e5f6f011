"""Writes the ONNX files beside it with Keras and tf2onnx, which are too large to install for a test.

In a separate environment: pip install tensorflow-cpu==2.21.0 tf2onnx==1.17.0; python export.py
The weights are random. The files have what tf2onnx makes of Keras: images with their channels last, padding
on one side, transposed features, and shapes that are computed.
"""

from __future__ import annotations

from pathlib import Path

import keras
import tensorflow
import tf2onnx

layers = keras.layers
_PARAMETERS = ("beta", "gamma", "moving_mean", "moving_variance")
# As after training: not the identity.
STATISTICS = {f"{name}_initializer": keras.initializers.RandomUniform(0.1, 1) for name in _PARAMETERS}


def gray() -> keras.Sequential:
    """Pixels from 0 to 255, normalisation behind an activation, a limited activation, flattened features."""
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(6, 3, strides=2, padding="same", activation="relu"),
            layers.BatchNormalization(**STATISTICS),
            layers.MaxPooling2D(2),
            layers.Conv2D(10, 3),
            layers.ReLU(max_value=6),
            layers.Dropout(0.2),
            layers.AveragePooling2D(2),
            layers.Flatten(),
            layers.Dense(20, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )


def colour() -> keras.Sequential:
    """RGB, depthwise convolution, global average."""
    return keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            layers.Conv2D(4, 3, activation="relu"),
            layers.DepthwiseConv2D(3, activation="relu"),
            layers.Conv2D(8, 3, strides=2, use_bias=False),
            layers.BatchNormalization(**STATISTICS),
            layers.ReLU(),
            layers.GlobalAveragePooling2D(),
            layers.Dense(5),
        ]
    )


def export(network: keras.Sequential, path: Path) -> None:
    """Write a network as ONNX."""
    signature = [tensorflow.TensorSpec(network.input_shape, tensorflow.float32, name="x")]
    function = tensorflow.function(lambda x: network(x, training=False), input_signature=signature)
    tf2onnx.convert.from_function(function, signature, opset=13, output_path=str(path))


if __name__ == "__main__":
    keras.utils.set_random_seed(1)
    for make in (gray, colour):
        export(make(), Path(__file__).with_name(f"{make.__name__}.onnx"))
