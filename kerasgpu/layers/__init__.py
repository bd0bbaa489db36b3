"""keras.layers: every layer, listed by hand."""

from kerasgpu.layers.activations.activation import Activation
from kerasgpu.layers.core.dense import Dense
from kerasgpu.layers.core.input_layer import Input, InputLayer
from kerasgpu.layers.input_spec import InputSpec
from kerasgpu.layers.layer import Layer
from kerasgpu.layers.preprocessing.rescaling import Rescaling
from kerasgpu.layers.regularization.dropout import Dropout
from kerasgpu.layers.reshaping.flatten import Flatten


def serialize(layer):
    """Plain data from which `deserialize` makes an equal, unbuilt layer."""
    from kerasgpu.saving.serialization import serialize_keras_object

    return serialize_keras_object(layer)


def deserialize(config, custom_objects=None):
    """The layer of a configuration made by `serialize` or by Keras 3."""
    from kerasgpu.saving.serialization import deserialize_keras_object

    layer = deserialize_keras_object(config, custom_objects=custom_objects)
    if not isinstance(layer, Layer):
        raise ValueError(f"`keras.layers.deserialize` was passed a `config` object that is not a `keras.Layer`. Received: {config}")
    return layer
