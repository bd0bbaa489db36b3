"""Names that tutorials take from tensorflow, and versions that libraries ask for."""

import keras
import numpy as np
import tensorflow as tf
from keras import *  # noqa: F403
from keras.src.saving import serialization_lib  # noqa: F401
from keras.src.utils.numerical_utils import to_categorical
from tensorflow.keras.preprocessing.image import ImageDataGenerator
from tensorflow.keras.preprocessing.text import Tokenizer

assert keras.__version__ == keras.version() == tf.keras.__version__ == "3.15.1" and keras is tf.keras
assert keras.__name__ == "keras" and "Model" in keras.__all__ and layers is keras.layers  # noqa: F405
assert to_categorical([1], 2).tolist() == [[0.0, 1.0]] and ImageDataGenerator and Tokenizer
same = lambda got, expected: np.testing.assert_allclose(np.asarray(got), expected, rtol=1e-5, atol=1e-6)
x = tf.constant([[1.0, 2.0], [3.0, 4.0]])
same(tf.range(2, 8, delta=3), [2, 5])
assert tf.range(3).dtype == tf.int32 and tf.float32.max > 1e38 and tf.float32.name == "float32"
same(tf.one_hot([1, 0], depth=2, on_value=5.0), [[0, 5], [5, 0]])
same(tf.reduce_mean(x, axis=0, name="mean"), [2, 3])
same(tf.reduce_sum(input_tensor=x, axis=1, keepdims=True), [[3], [7]])
same(tf.math.reduce_variance(x), 1.25)
same(tf.matmul(x, x, transpose_b=True), [[5, 11], [11, 25]])
same(tf.linalg.matvec(x, [1.0, 1.0]), [3, 7])
same(tf.concat(values=[x, x], axis=-1), [[1, 2, 1, 2], [3, 4, 3, 4]])
same(tf.split(x, [1, 1], axis=1)[1], [[2], [4]])
same(tf.gather(x, [1]), [[3, 4]])
same(tf.pad(x, [[0, 0], [1, 0]]), [[0, 1, 2], [0, 3, 4]])
same(tf.clip_by_value(x, clip_value_min=2, clip_value_max=3), [[2, 2], [3, 3]])
same(tf.transpose(x, perm=[1, 0]), [[1, 3], [2, 4]])
same(tf.fill([2], 3), [3, 3])
same(tf.cast(x > 2, tf.float32), [[0, 0], [1, 1]])
same(tf.squeeze(tf.expand_dims(x, axis=0), axis=0), x)
same(tf.math.l2_normalize(x, axis=1)[0], np.array([1, 2]) / 5**0.5)
same(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=[0], logits=[[0.0, 0.0]]), [np.log(2)])
same(tf.nn.leaky_relu(tf.constant([-1.0, 1.0])), [-0.2, 1])
image = tf.constant(np.arange(12.0).reshape(2, 2, 3), tf.float32)
same(tf.image.flip_left_right(image), np.asarray(image)[:, ::-1])
same(tf.image.per_image_standardization(image), (np.asarray(image) - 5.5) / np.std(np.arange(12)))
same(tf.image.convert_image_dtype(np.array([[[255]]], "uint8"), tf.float32), [[[1.0]]])
assert tf.image.resize(image, [4, 6]).shape == (4, 6, 3) and tf.image.rgb_to_grayscale(image).shape == (2, 2, 1)
same(tf.nn.conv2d(image[None], tf.ones((2, 2, 3, 1)), strides=[1, 1, 1, 1], padding="VALID"), [[[[66.0]]]])
same(tf.nn.max_pool2d(image[None], ksize=2, strides=2, padding="VALID")[0, 0, 0], [9, 10, 11])
assert tf.TensorShape([None, 2]).as_list() == [None, 2] and tf.random.uniform((2,), maxval=3, dtype=tf.int32).shape == (2,)
tf.print("sum", tf.reduce_sum(x))


@tf.function
def double(value):
    return tf.add(value, value)


same(double(x), 2 * np.asarray(x))
for use, words in (
    (lambda: tf.compat.v1.Session, "TensorFlow 1"),
    (lambda: tf.image.decode_jpeg, "keras.ops"),
    (lambda: tf.Session, "at once"),
):
    try:
        use()
    except NotImplementedError as error:
        assert words in str(error), error
    else:
        raise AssertionError(words)
print("done")
