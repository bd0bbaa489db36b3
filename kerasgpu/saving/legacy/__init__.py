"""Files of Keras 1, Keras 2 and tf.keras, and the `.h5` format that Keras 3 still reads and writes.

A config passes through one table per era, oldest first, from the era of the file's `keras_version` on:

    keras1.py     Keras 1
    keras20.py    Keras 2.0 to 2.2
    keras23.py    Keras 2.3 to 2.12, and tf.keras of TensorFlow 2.0 to 2.12
    keras213.py   Keras 2.13 to 2.15, tf_keras: the `.keras` files of Keras 2

Each turns the vocabulary of its era into that of the next; `convert.py` applies them at any depth of a config, `graph.py` turns the
calls of functional models, and `kernels.py` the weights that were stored in another layout.
"""
