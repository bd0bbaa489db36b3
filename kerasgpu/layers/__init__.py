"""keras.layers: every layer, listed by hand."""

# ruff: noqa: F401

from kerasgpu.layers.activations.activation import Activation
from kerasgpu.layers.activations.elu import ELU
from kerasgpu.layers.activations.leaky_relu import LeakyReLU
from kerasgpu.layers.activations.prelu import PReLU
from kerasgpu.layers.activations.relu import ReLU
from kerasgpu.layers.activations.softmax import Softmax
from kerasgpu.layers.core.dense import Dense
from kerasgpu.layers.core.einsum_dense import EinsumDense
from kerasgpu.layers.core.embedding import Embedding
from kerasgpu.layers.core.identity import Identity
from kerasgpu.layers.core.input_layer import Input, InputLayer
from kerasgpu.layers.core.lambda_layer import Lambda
from kerasgpu.layers.core.masking import Masking
from kerasgpu.layers.core.reversible_embedding import ReversibleEmbedding
from kerasgpu.layers.core.time_distributed import TimeDistributed
from kerasgpu.layers.core.wrapper import Wrapper
from kerasgpu.layers.input_spec import InputSpec
from kerasgpu.layers.layer import Layer
from kerasgpu.layers.merging.add import Add, Average, Subtract, add, average, subtract
from kerasgpu.layers.merging.concatenate import Concatenate, concatenate
from kerasgpu.layers.merging.dot import Dot, dot
from kerasgpu.layers.merging.multiply import Maximum, Minimum, Multiply, maximum, minimum, multiply
from kerasgpu.layers.normalization.batch_normalization import BatchNormalization
from kerasgpu.layers.normalization.group_normalization import GroupNormalization
from kerasgpu.layers.normalization.layer_normalization import LayerNormalization
from kerasgpu.layers.normalization.rms_normalization import RMSNormalization
from kerasgpu.layers.normalization.unit_normalization import UnitNormalization
from kerasgpu.layers.preprocessing.normalization import Normalization
from kerasgpu.layers.preprocessing.rescaling import Rescaling
from kerasgpu.layers.regularization.activity_regularization import ActivityRegularization
from kerasgpu.layers.regularization.alpha_dropout import AlphaDropout
from kerasgpu.layers.regularization.dropout import Dropout
from kerasgpu.layers.regularization.gaussian_dropout import GaussianDropout
from kerasgpu.layers.regularization.gaussian_noise import GaussianNoise
from kerasgpu.layers.regularization.spatial_dropout import SpatialDropout1D, SpatialDropout2D, SpatialDropout3D
from kerasgpu.layers.reshaping.cropping import Cropping1D, Cropping2D, Cropping3D
from kerasgpu.layers.reshaping.flatten import Flatten
from kerasgpu.layers.reshaping.permute import Permute
from kerasgpu.layers.reshaping.repeat_vector import RepeatVector
from kerasgpu.layers.reshaping.reshape import Reshape
from kerasgpu.layers.reshaping.up_sampling import UpSampling1D, UpSampling2D, UpSampling3D
from kerasgpu.layers.reshaping.zero_padding import ZeroPadding1D, ZeroPadding2D, ZeroPadding3D


def serialize(layer):
    """Plain data from which `deserialize` makes an equal layer."""
    from kerasgpu.saving.serialization import serialize_keras_object

    return serialize_keras_object(layer)


def deserialize(config, custom_objects=None):
    """The layer of a configuration made by `serialize` or by Keras 3."""
    from kerasgpu.saving.serialization import deserialize_keras_object

    layer = deserialize_keras_object(config, custom_objects=custom_objects)
    if not isinstance(layer, Layer):
        raise ValueError(
            f"`keras.layers.deserialize` was passed a `config` object that is not a `keras.Layer`. Received: {config}"
        )
    return layer
