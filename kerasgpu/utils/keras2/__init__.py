"""Functions and classes that only Keras 2 had: `keras.backend.*`, ImageDataGenerator, Tokenizer. `names/table.py` says where they are public."""
