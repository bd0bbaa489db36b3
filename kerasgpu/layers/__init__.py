"""keras.layers: every layer, listed by hand."""

# ruff: noqa: F401

from kerasgpu import missing
from kerasgpu.configs.serialization import deserialize_keras_object, serialize_keras_object
from kerasgpu.layers.activations.activation import Activation
from kerasgpu.layers.activations.elu import ELU
from kerasgpu.layers.activations.leaky_relu import LeakyReLU
from kerasgpu.layers.activations.prelu import PReLU
from kerasgpu.layers.activations.relu import ReLU
from kerasgpu.layers.activations.softmax import Softmax
from kerasgpu.layers.convolutional.conv1d import Conv1D
from kerasgpu.layers.convolutional.conv2d import Conv2D
from kerasgpu.layers.convolutional.conv3d import Conv3D
from kerasgpu.layers.convolutional.conv_transpose import Conv1DTranspose, Conv2DTranspose, Conv3DTranspose
from kerasgpu.layers.convolutional.depthwise_conv import DepthwiseConv1D, DepthwiseConv2D
from kerasgpu.layers.convolutional.separable_conv import SeparableConv1D, SeparableConv2D
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
from kerasgpu.layers.normalization.spectral_normalization import SpectralNormalization
from kerasgpu.layers.normalization.unit_normalization import UnitNormalization
from kerasgpu.layers.pooling.adaptive_pooling import (
    AdaptiveAveragePooling1D,
    AdaptiveAveragePooling2D,
    AdaptiveAveragePooling3D,
    AdaptiveMaxPooling1D,
    AdaptiveMaxPooling2D,
    AdaptiveMaxPooling3D,
)
from kerasgpu.layers.pooling.average_pooling import AveragePooling1D, AveragePooling2D, AveragePooling3D
from kerasgpu.layers.pooling.global_pooling import (
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalAveragePooling3D,
    GlobalMaxPooling1D,
    GlobalMaxPooling2D,
    GlobalMaxPooling3D,
)
from kerasgpu.layers.pooling.max_pooling import MaxPooling1D, MaxPooling2D, MaxPooling3D
from kerasgpu.layers.preprocessing.category_encoding import CategoryEncoding
from kerasgpu.layers.preprocessing.discretization import Discretization
from kerasgpu.layers.preprocessing.hashed_crossing import HashedCrossing
from kerasgpu.layers.preprocessing.hashing import Hashing
from kerasgpu.layers.preprocessing.image.aug_mix import AugMix
from kerasgpu.layers.preprocessing.image.auto_contrast import AutoContrast
from kerasgpu.layers.preprocessing.image.center_crop import CenterCrop
from kerasgpu.layers.preprocessing.image.clahe import ContrastLimitedAdaptiveHistogramEqualization
from kerasgpu.layers.preprocessing.image.cut_mix import CutMix
from kerasgpu.layers.preprocessing.image.equalization import Equalization
from kerasgpu.layers.preprocessing.image.max_num_bounding_boxes import MaxNumBoundingBoxes
from kerasgpu.layers.preprocessing.image.mix_up import MixUp
from kerasgpu.layers.preprocessing.image.rand_augment import RandAugment
from kerasgpu.layers.preprocessing.image.random_brightness import RandomBrightness
from kerasgpu.layers.preprocessing.image.random_color_degeneration import RandomColorDegeneration
from kerasgpu.layers.preprocessing.image.random_color_jitter import RandomColorJitter
from kerasgpu.layers.preprocessing.image.random_contrast import RandomContrast
from kerasgpu.layers.preprocessing.image.random_crop import RandomCrop
from kerasgpu.layers.preprocessing.image.random_elastic_transform import RandomElasticTransform
from kerasgpu.layers.preprocessing.image.random_erasing import RandomErasing
from kerasgpu.layers.preprocessing.image.random_flip import RandomFlip
from kerasgpu.layers.preprocessing.image.random_gaussian_blur import RandomGaussianBlur
from kerasgpu.layers.preprocessing.image.random_grayscale import RandomGrayscale
from kerasgpu.layers.preprocessing.image.random_hue import RandomHue
from kerasgpu.layers.preprocessing.image.random_invert import RandomInvert
from kerasgpu.layers.preprocessing.image.random_perspective import RandomPerspective
from kerasgpu.layers.preprocessing.image.random_posterization import RandomPosterization
from kerasgpu.layers.preprocessing.image.random_rotation import RandomRotation
from kerasgpu.layers.preprocessing.image.random_saturation import RandomSaturation
from kerasgpu.layers.preprocessing.image.random_sharpness import RandomSharpness
from kerasgpu.layers.preprocessing.image.random_shear import RandomShear
from kerasgpu.layers.preprocessing.image.random_translation import RandomTranslation
from kerasgpu.layers.preprocessing.image.random_zoom import RandomZoom
from kerasgpu.layers.preprocessing.image.resizing import Resizing
from kerasgpu.layers.preprocessing.image.solarization import Solarization
from kerasgpu.layers.preprocessing.integer_lookup import IntegerLookup
from kerasgpu.layers.preprocessing.mel_spectrogram import MelSpectrogram
from kerasgpu.layers.preprocessing.normalization import Normalization
from kerasgpu.layers.preprocessing.pipeline import Pipeline
from kerasgpu.layers.preprocessing.rescaling import Rescaling
from kerasgpu.layers.preprocessing.stft_spectrogram import STFTSpectrogram
from kerasgpu.layers.preprocessing.string_lookup import StringLookup
from kerasgpu.layers.preprocessing.text_vectorization import TextVectorization
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
from kerasgpu.layers.rnn.bidirectional import Bidirectional
from kerasgpu.layers.rnn.gru import GRU
from kerasgpu.layers.rnn.gru_cell import GRUCell
from kerasgpu.layers.rnn.lstm import LSTM
from kerasgpu.layers.rnn.lstm_cell import LSTMCell
from kerasgpu.layers.rnn.rnn import RNN
from kerasgpu.layers.rnn.simple_rnn import SimpleRNN
from kerasgpu.layers.rnn.simple_rnn_cell import SimpleRNNCell
from kerasgpu.layers.rnn.stacked_rnn_cells import StackedRNNCells

# Other names that Keras has for the same layers.
AvgPool1D = AveragePooling1D
AvgPool2D = AveragePooling2D
AvgPool3D = AveragePooling3D
Convolution1D = Conv1D
Convolution1DTranspose = Conv1DTranspose
Convolution2D = Conv2D
Convolution2DTranspose = Conv2DTranspose
Convolution3D = Conv3D
Convolution3DTranspose = Conv3DTranspose
GlobalAvgPool1D = GlobalAveragePooling1D
GlobalAvgPool2D = GlobalAveragePooling2D
GlobalAvgPool3D = GlobalAveragePooling3D
GlobalMaxPool1D = GlobalMaxPooling1D
GlobalMaxPool2D = GlobalMaxPooling2D
GlobalMaxPool3D = GlobalMaxPooling3D
MaxPool1D = MaxPooling1D
MaxPool2D = MaxPooling2D
MaxPool3D = MaxPooling3D
SeparableConvolution1D = SeparableConv1D
SeparableConvolution2D = SeparableConv2D


def serialize(layer):
    """Plain data from which `deserialize` makes an equal layer."""
    return serialize_keras_object(layer)


def deserialize(config, custom_objects=None):
    """The layer of a configuration made by `serialize` or by Keras 3."""
    layer = deserialize_keras_object(config, custom_objects=custom_objects)
    if not isinstance(layer, Layer):
        raise ValueError(
            f"`keras.layers.deserialize` was passed a `config` object that is not a `keras.Layer`. Received: {config}"
        )
    return layer


_CONV_LSTM = (
    "use Conv layers under TimeDistributed and an RNN over their outputs, or RNN with a cell of your own that convolves"
)
_ATTENTION = "compose it of Dense or EinsumDense projections and keras.ops.dot_product_attention"
_FOREIGN = "kerasgpu runs no code of TensorFlow, JAX or PyTorch; write the computation with keras.ops in a keras.layers.Layer"

_SIZES = "Keras 3 gave it up, since sizes must be known; use keras.layers.RandomZoom or Resizing"

_MISSING = {
    "AdditiveAttention": _ATTENTION,
    "Attention": _ATTENTION,
    "ConvLSTM1D": _CONV_LSTM,
    "ConvLSTM2D": _CONV_LSTM,
    "ConvLSTM3D": _CONV_LSTM,
    "CuDNNGRU": "there is one GRU for all devices, keras.layers.GRU",
    "CuDNNLSTM": "there is one LSTM for all devices, keras.layers.LSTM",
    "FlaxLayer": _FOREIGN,
    "GroupQueryAttention": _ATTENTION,
    "JaxLayer": _FOREIGN,
    "MultiHeadAttention": _ATTENTION,
    "RandomHeight": _SIZES,
    "RandomWidth": _SIZES,
    "TFSMLayer": _FOREIGN,
    "ThresholdedReLU": "Keras 3 gave it up; use keras.layers.Activation(lambda x: x * keras.ops.cast(x > theta, x.dtype))",
    "TorchModuleWrapper": _FOREIGN,
}

__getattr__ = missing.names(__name__, _MISSING)
