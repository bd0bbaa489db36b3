"""TextVectorization: texts as sequences of token numbers, or as counts of tokens."""

from __future__ import annotations

import re

import numpy as np

from kerasgpu import config, ops
from kerasgpu.configs.serialization import deserialize_keras_object
from kerasgpu.engine.keras_tensor import KerasTensor
from kerasgpu.engine.tensor import Tensor
from kerasgpu.layers.layer import Layer
from kerasgpu.layers.preprocessing import host
from kerasgpu.layers.preprocessing import vocabulary as vocabulary_module
from kerasgpu.layers.preprocessing.string_lookup import StringLookup

_STANDARDIZE = ("lower_and_strip_punctuation", "lower", "strip_punctuation")
_SPLIT = ("whitespace", "character")
_MODES = ("int", "one_hot", "multi_hot", "count", "tf_idf")
_PUNCTUATION = re.compile(r"""[!"#$%&()*+,\-./:;<=>?@\[\\\]^_`{|}~']""")
_WORD = re.compile(r"[^ \t\n\r\f\v]+")
_ASCII_LOWER = {c: c + 32 for c in range(ord("A"), ord("Z") + 1)}


class TextVectorization(Layer):
    """Texts as integers: standardized, split into tokens, joined to n-grams, looked up in a vocabulary that `adapt` learns.

    Args:
        max_tokens: largest size of the vocabulary, special tokens included; None for no limit.
        standardize: "lower_and_strip_punctuation", "lower" or "strip_punctuation" (of ASCII letters and signs), None, or a
            function of a NumPy array of strings.
        split: "whitespace", "character", None, or a function that turns an array of strings into a list of lists of tokens.
        ngrams: n for n-grams of 1 to n tokens, or a tuple of lengths; None for tokens alone.
        output_mode: "int" (0 is padding, 1 unknown tokens), or an encoding of the whole text: "multi_hot", "count" or "tf_idf".
        output_sequence_length: length of the rows in "int" mode, cut or padded; None for the longest of the batch.
        pad_to_max_tokens: whether encodings have max_tokens classes even if the vocabulary is smaller.
        vocabulary: list or array of strings, or the path of a text file.
        idf_weights: one number for each of the vocabulary, for output_mode "tf_idf".
        sparse, ragged: only False.
        encoding: of bytes.

    The inputs are lists or NumPy arrays of strings, (batch,) or (batch, 1).

    >>> import kerasgpu as keras
    >>> layer = keras.layers.TextVectorization(output_sequence_length=4)
    >>> layer.adapt(["The cat sat.", "The dog!"])
    >>> layer(["the bird sat"]).tolist()
    [[2, 1, 3, 0]]
    """

    def __init__(
        self,
        max_tokens=None,
        standardize="lower_and_strip_punctuation",
        split="whitespace",
        ngrams=None,
        output_mode="int",
        output_sequence_length=None,
        pad_to_max_tokens=False,
        vocabulary=None,
        idf_weights=None,
        sparse=False,
        ragged=False,
        encoding="utf-8",
        name=None,
        **kwargs,
    ):
        for word, given in (("sparse", sparse), ("ragged", ragged)):
            if given:
                raise ValueError(f"TextVectorization: `{word}=True` cannot be used with kerasgpu, whose tensors are dense.")
        for word, value, choices in (("standardize", standardize, _STANDARDIZE), ("split", split, _SPLIT)):
            if value is not None and not callable(value) and value not in choices:
                raise ValueError(
                    f"Unknown value for argument `{word}` of layer TextVectorization: {value}. It must be one of {choices}, "
                    "None or a function."
                )
        output_mode = {"binary": "multi_hot", "tf-idf": "tf_idf"}.get(output_mode, output_mode)
        if output_mode not in _MODES:
            raise ValueError(
                f"Unknown value for argument `output_mode` of layer TextVectorization: {output_mode}. It must be one of {_MODES}."
            )
        whole = isinstance(ngrams, tuple) and all(isinstance(n, (int, np.integer)) for n in ngrams)
        if not (ngrams is None or isinstance(ngrams, (int, np.integer)) or whole):
            raise ValueError(f"`ngrams` must be None, an integer, or a tuple of integers. Received: ngrams={ngrams}")
        if output_mode == "int" and not (
            isinstance(output_sequence_length, (int, np.integer)) or output_sequence_length is None
        ):
            raise ValueError(
                "`output_sequence_length` must be either None or an integer when `output_mode` is 'int'. Received: "
                f"output_sequence_length={output_sequence_length}"
            )
        if output_mode != "int" and output_sequence_length is not None:
            raise ValueError(
                "`output_sequence_length` must not be set if `output_mode` is not 'int'. Received "
                f"output_sequence_length={output_sequence_length}."
            )
        given_vocabulary = kwargs.pop("has_input_vocabulary", vocabulary is not None)
        size = kwargs.pop("vocabulary_size", None)
        super().__init__(name=name, **kwargs)
        self._standardize = standardize
        self._split = split
        self.__dict__["_ngrams_arg"] = ngrams
        self.__dict__["_ngrams"] = tuple(range(1, ngrams + 1)) if isinstance(ngrams, (int, np.integer)) else ngrams
        self._output_mode = output_mode
        self._output_sequence_length = output_sequence_length
        self._encoding = encoding
        self._lookup_layer = StringLookup(
            max_tokens=max_tokens,
            vocabulary=vocabulary,
            idf_weights=idf_weights,
            pad_to_max_tokens=pad_to_max_tokens,
            mask_token="",
            output_mode=output_mode,
            has_input_vocabulary=given_vocabulary,
            encoding=encoding,
            vocabulary_size=size,
        )
        self._convert_input_args = False
        self._allow_non_tensor_positional_args = True

    @property
    def _has_input_vocabulary(self):
        return self._lookup_layer._has_input_vocabulary

    @property
    def compute_dtype(self):
        return "string"

    @property
    def variable_dtype(self):
        return "string"

    def build(self, input_shape=None):
        self._lookup_layer.built = True

    # -- the vocabulary -----------------------------------------------------------------------------------------
    def adapt(self, data, batch_size=None, steps=None):
        """Learn the vocabulary of texts: an array or list, or an iterable of batches, of which `steps` are read."""
        self.reset_state()
        for batch in host.batches(data, steps):
            self.update_state(batch)
        self.finalize_state()

    def update_state(self, data):
        self._lookup_layer.count_documents(self._documents(data))

    def finalize_state(self):
        self._lookup_layer.finalize_state()

    def reset_state(self):
        self._lookup_layer.reset_state()

    def get_vocabulary(self, include_special_tokens=True):
        return self._lookup_layer.get_vocabulary(include_special_tokens)

    def vocabulary_size(self):
        return self._lookup_layer.vocabulary_size()

    def set_vocabulary(self, vocabulary, idf_weights=None):
        self._lookup_layer.set_vocabulary(vocabulary, idf_weights=idf_weights)

    # -- texts to tokens ----------------------------------------------------------------------------------------
    def _documents(self, inputs):
        """A list of lists of tokens, one for each text."""
        texts = host.as_array(inputs, self._encoding)
        if callable(self._standardize):
            texts = host.as_array(self._standardize(texts.astype(str)), self._encoding)
        if self._split is None:
            documents = np.atleast_2d(texts if texts.ndim != 1 else texts[:, None])
            documents = [[self._standard(x) for x in row] for row in documents.reshape(len(documents), -1).tolist()]
        else:
            if texts.ndim > 1:
                if texts.shape[-1] != 1:
                    raise ValueError(
                        "When using `TextVectorization` to tokenize strings, the input rank must be 1 or the last shape dimension "
                        f"must be 1. Received: inputs.shape={texts.shape} with rank={texts.ndim}"
                    )
                texts = texts[..., 0]
            plain = [self._standard(x) for x in texts.ravel().tolist()]
            if callable(self._split):
                documents = [[str(t) for t in row] for row in self._split(np.array(plain, dtype=object))]
            else:
                documents = [_WORD.findall(x) if self._split == "whitespace" else list(x) for x in plain]
        return documents if self._ngrams is None else [self._joined(tokens) for tokens in documents]

    def _standard(self, text):
        if callable(self._standardize) or self._standardize is None:
            return text
        if self._standardize != "strip_punctuation":
            text = text.lower() if text.isascii() else text.translate(_ASCII_LOWER)
        return text if self._standardize == "lower" else _PUNCTUATION.sub("", text)

    def _joined(self, tokens):
        return [" ".join(tokens[k : k + n]) for n in self._ngrams for k in range(len(tokens) - n + 1)]

    # -- calls --------------------------------------------------------------------------------------------------
    def call(self, inputs):
        documents = self._documents(inputs)
        lengths = [len(tokens) for tokens in documents]
        flat = np.empty(sum(lengths), object)
        flat[:] = [t for tokens in documents for t in tokens]
        numbers = self._lookup_layer.numbers_of(flat)
        width = self._output_sequence_length
        if width is None:
            width = max(lengths, default=0)
        # What is not there is padding (0), or counts nowhere (-1).
        rows = np.full((len(documents), width), 0 if self._output_mode == "int" else -1, "int64")
        begin = 0
        for k, n in enumerate(lengths):
            m = min(n, width)
            rows[k, :m] = numbers[begin : begin + m]
            begin += n
        single = _rank(inputs) == 0
        if self._output_mode == "int":
            return ops.convert_to_tensor(rows[0] if single else rows, "int64")
        out = self._lookup_layer.encoded(rows)
        return ops.convert_to_tensor(out[0] if single else out, config.floatx())

    def compute_output_shape(self, input_shape):
        if self._output_mode == "int":
            return (input_shape[0], self._output_sequence_length)
        if self._split is not None:
            input_shape = (*input_shape, None)
        elif len(input_shape) <= 1:
            input_shape = (*input_shape, 1)
        if len(input_shape) == 3 and self._split is not None and self._output_mode != "one_hot":
            input_shape = (input_shape[0], None)  # (batch, 1) texts become (batch, tokens)
        return self._lookup_layer.compute_output_shape(input_shape)

    def compute_output_spec(self, inputs):
        dtype = "int64" if self._output_mode == "int" else config.floatx()
        return KerasTensor(self.compute_output_shape(inputs.shape), dtype=dtype)

    # -- saving -------------------------------------------------------------------------------------------------
    def save_own_variables(self, store):
        self._lookup_layer.save_own_variables(store)

    def load_own_variables(self, store):
        self._lookup_layer.load_own_variables(store)

    def save_assets(self, dir_path):
        self._lookup_layer.save_assets(dir_path)

    def load_assets(self, dir_path):
        self._lookup_layer.load_assets(dir_path)

    def get_config(self):
        lookup = self._lookup_layer.get_config()
        return {
            **super().get_config(),
            "max_tokens": lookup["max_tokens"],
            "standardize": self._standardize,
            "split": self._split,
            "ngrams": self._ngrams_arg,
            "output_mode": self._output_mode,
            "output_sequence_length": self._output_sequence_length,
            "pad_to_max_tokens": lookup["pad_to_max_tokens"],
            "sparse": False,
            "ragged": False,
            "vocabulary": lookup["vocabulary"],
            "idf_weights": lookup["idf_weights"],
            "encoding": self._encoding,
            "vocabulary_size": self.vocabulary_size(),
        }

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        vocabulary_module.refuse_path(config, cls.__name__)
        for name in ("standardize", "split"):
            if isinstance(config.get(name), dict):
                config[name] = deserialize_keras_object(config[name])
        if isinstance(config.get("ngrams"), list):
            config["ngrams"] = tuple(config["ngrams"])
        return cls(**config)


def _rank(x):
    return x.ndim if isinstance(x, (np.ndarray, Tensor)) else np.ndim(np.asarray(x, object))
