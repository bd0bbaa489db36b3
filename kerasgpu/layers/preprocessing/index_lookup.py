"""IndexLookup: what IntegerLookup and StringLookup have in common, a vocabulary and the way from tokens to numbers and back."""

from __future__ import annotations

import collections
import os

import numpy as np

from kerasgpu import config, ops
from kerasgpu.engine.keras_tensor import KerasTensor
from kerasgpu.engine.tensor import Tensor
from kerasgpu.layers.layer import Layer
from kerasgpu.layers.preprocessing import hashes, host
from kerasgpu.layers.preprocessing import vocabulary as vocabulary_module
from kerasgpu.layers.preprocessing.encoding import refuse_sparse
from kerasgpu.layers.preprocessing.lookup_arguments import check_arguments, read_salt


class IndexLookup(Layer):
    """Base class. Numbers go: the mask (0, if there is one and the output is "int"), num_oov_indices numbers for what is not in
    the vocabulary, then the vocabulary."""

    def __init__(
        self,
        max_tokens,
        num_oov_indices,
        mask_token,
        oov_token,
        vocabulary_dtype,
        vocabulary=None,
        idf_weights=None,
        invert=False,
        output_mode="int",
        sparse=False,
        pad_to_max_tokens=False,
        oov_method="floormod",
        name=None,
        salt=None,
        **kwargs,
    ):
        output_mode = {"binary": "multi_hot", "tf-idf": "tf_idf"}.get(output_mode, output_mode)
        check_arguments(
            type(self).__name__,
            max_tokens,
            num_oov_indices,
            pad_to_max_tokens,
            oov_method,
            output_mode,
            invert,
            sparse,
            idf_weights,
        )
        refuse_sparse(type(self).__name__, sparse)
        super().__init__(name=name)
        self._convert_input_args = False
        self._allow_non_tensor_positional_args = True
        self.invert = invert
        self.max_tokens = max_tokens
        self.num_oov_indices = num_oov_indices
        self.mask_token = mask_token
        self.oov_token = oov_token
        self.output_mode = output_mode
        self.sparse = sparse
        self.pad_to_max_tokens = pad_to_max_tokens
        self.vocabulary_dtype = vocabulary_dtype
        self.oov_method = oov_method
        self.salt = read_salt(salt, vocabulary_dtype, oov_method)
        self.encoding = kwargs.pop("encoding", "utf-8")
        self._frozen_vocab_size = kwargs.pop("vocabulary_size", None)
        self.__dict__["input_vocabulary"] = vocabulary if not isinstance(vocabulary, str) else None
        self.__dict__["input_idf_weights"] = idf_weights
        self._has_input_vocabulary = kwargs.pop("has_input_vocabulary", vocabulary is not None)
        kwargs.pop("trainable", None)
        kwargs.pop("dtype", None)
        if kwargs:
            raise ValueError(f"Unrecognized keyword argument(s): {kwargs}")
        if output_mode == "tf_idf" and self._has_input_vocabulary and vocabulary is not None and idf_weights is None:
            raise ValueError(
                "When specifying the `vocabulary` argument, in TF-IDF output mode, the `idf_weights` argument must also be "
                "provided."
            )
        # Plain Python and NumPy, not tracked: tokens, their numbers, and what adapt() counts.
        self.__dict__.update(_tokens=[], _numbers={}, _weights=None)
        self._forget()
        if vocabulary is not None:
            self.set_vocabulary(vocabulary, idf_weights)

    def _forget(self):
        self.__dict__.update(_counts=collections.Counter(), _document_counts=collections.Counter(), _documents=0)

    # -- the vocabulary -----------------------------------------------------------------------------------------
    def _oov_start(self):
        return 1 if self.mask_token is not None and self.output_mode == "int" else 0

    def _token_start(self):
        return self._oov_start() + self.num_oov_indices

    def get_vocabulary(self, include_special_tokens=True):
        """The tokens as a list, in the order of their numbers."""
        special = [self.mask_token] * self._oov_start() + [self.oov_token] * self.num_oov_indices
        return [*(special if include_special_tokens else []), *self._tokens]

    def vocabulary_size(self):
        """Number of tokens, special ones included."""
        return len(self._tokens) + self._token_start()

    def set_vocabulary(self, vocabulary, idf_weights=None):
        """Set the tokens.

        Args:
            vocabulary: list, array or tensor of tokens, which may begin with the special ones; or the path of a text file with one
                token on each line, where loading of such files is allowed.
            idf_weights: one number for each, for output_mode "tf_idf".
        """
        if self.output_mode == "tf_idf":
            if idf_weights is None:
                raise ValueError("`idf_weights` must be set if output_mode is 'tf_idf'.")
        elif idf_weights is not None:
            raise ValueError(
                "`idf_weights` should only be set if output_mode is `'tf_idf'`. Received: "
                f"output_mode={self.output_mode} and idf_weights={idf_weights}"
            )
        if isinstance(vocabulary, str):
            found = vocabulary_module.read_file(vocabulary, self.output_mode, self.vocabulary_dtype)
        else:
            found = host.as_array(vocabulary, self.encoding).ravel().tolist()
        if not found:
            raise ValueError(f"Cannot set an empty vocabulary. Received: vocabulary={vocabulary}")
        special = [self.mask_token] * self._oov_start() + [self.oov_token] * self.num_oov_indices
        with_special = found[: len(special)] == special
        tokens = found[len(special) :] if with_special else found
        vocabulary_module.check_tokens(tokens, special, self.mask_token, self.oov_token if self.invert else None)
        size = self._token_start() + len(tokens)
        if self.max_tokens is not None and size > self.max_tokens:
            raise ValueError(
                "Attempted to set a vocabulary larger than the maximum vocab size. Received vocabulary size is "
                f"{size}; `max_tokens` is {self.max_tokens}."
            )
        self._take_tokens(tokens)
        if idf_weights is not None:
            self._take_weights(np.asarray(idf_weights, config.floatx()), len(found), with_special)

    def _take_tokens(self, tokens):
        start = self._token_start()
        self.__dict__["_tokens"] = tokens
        numbers = {k + start: x for k, x in enumerate(tokens)} if self.invert else {x: k + start for k, x in enumerate(tokens)}
        self.__dict__["_numbers"] = numbers
        self._freeze_size()

    def _take_weights(self, weights, count, with_special):
        if weights.ndim != 1:
            raise ValueError(f"TF-IDF data must be a 1-index array. Received: shape {weights.shape}")
        if len(weights) != count:
            raise ValueError(
                f"`idf_weights` must be the same length as vocabulary. len(idf_weights) is {len(weights)}; len(vocabulary) is "
                f"{count}"
            )
        if not with_special:
            weights = np.concatenate([np.full(self._token_start(), weights.mean(), weights.dtype), weights])
        missing = self.max_tokens - len(weights) if self.pad_to_max_tokens else 0
        self.__dict__["_weights"] = np.pad(weights, (0, missing))

    def _freeze_size(self):
        size = self.vocabulary_size()
        fixed = self.output_mode != "int" and not self.pad_to_max_tokens
        if fixed and self._frozen_vocab_size is not None and size != self._frozen_vocab_size:
            raise RuntimeError(
                f"When using `output_mode={self.output_mode}` and `pad_to_max_tokens=False`, the vocabulary size cannot be "
                f"changed after the layer is called. Old vocab size is {self._frozen_vocab_size}, new vocab size is {size}"
            )
        self._frozen_vocab_size = size

    # -- learning it --------------------------------------------------------------------------------------------
    def adapt(self, data, steps=None):
        """Learn the vocabulary of data: an array, tensor or list, or an iterable of batches, of which `steps` are read. The most
        frequent tokens come first."""
        self.reset_state()
        for batch in host.batches(data, steps):
            self.update_state(batch)
        self.finalize_state()

    def update_state(self, data):
        """Count the tokens of a batch; rows are documents."""
        if self._has_input_vocabulary:
            raise ValueError(
                f"Cannot adapt layer '{self.name}' after setting a static vocabulary via `vocabulary` argument or "
                "`set_vocabulary()` method."
            )
        data = host.as_array(data, self.encoding)
        self.count_documents(np.atleast_2d(data).reshape(1 if data.ndim < 2 else data.shape[0], -1).tolist())

    def count_documents(self, documents):
        """Count the tokens of lists of tokens."""
        for tokens in documents:
            self._counts.update(tokens)
            if self.output_mode == "tf_idf":
                self._document_counts.update(set(tokens))
        self.__dict__["_documents"] += len(documents)

    def finalize_state(self):
        if self._has_input_vocabulary or not self._counts:
            self._freeze_size()
            return
        counts = {x: n for x, n in self._counts.items() if x not in (self.mask_token, self.oov_token)}
        # The last in the alphabet first, among equally frequent ones.
        tokens = sorted(sorted(counts, reverse=True), key=lambda x: -counts[x])
        if self.max_tokens:
            tokens = tokens[: self.max_tokens - self._token_start()]
        if self.output_mode == "tf_idf":
            seen = np.array([self._document_counts[x] for x in tokens], "float64")
            self._take_weights(np.log(1 + self._documents / (1 + seen)).astype(config.floatx()), len(tokens), False)
        self._take_tokens(tokens)
        self.reset_state()

    def reset_state(self):
        if not self._has_input_vocabulary:
            self._forget()

    # -- looking up ---------------------------------------------------------------------------------------------
    def call(self, inputs):
        found = self.numbers_of(host.as_array(inputs, self.encoding))
        if self.invert and self.vocabulary_dtype == "string":
            return found
        if self.output_mode == "int":
            return ops.convert_to_tensor(found, "int64")
        return ops.convert_to_tensor(self.encoded(found), config.floatx())

    def numbers_of(self, inputs):
        """The numbers of an array of tokens (or the tokens of numbers), as an array. A masked token is -1 if it has no number."""
        flat = inputs.ravel().tolist()
        if self.invert:
            out = np.empty(len(flat), object if self.vocabulary_dtype == "string" else "int64")
            out[:] = [self._numbers.get(k, self.oov_token) for k in flat]
            if self.mask_token is not None:
                out[[k == 0 for k in flat]] = self.mask_token
            return out.reshape(inputs.shape)
        unknown = self._oov_start() if self.num_oov_indices == 1 else -1
        numbers = self._numbers
        out = np.array([numbers.get(x, unknown) for x in flat], "int64")
        if self.num_oov_indices != 1:
            lost = out == -1
            if self.mask_token is not None:
                lost &= np.array([x != self.mask_token for x in flat], bool)
            if lost.any():
                out[lost] = self._out_of_vocabulary([x for x, gone in zip(flat, lost) if gone])
        if self.mask_token is not None:
            out[[x == self.mask_token for x in flat]] = 0 if self.output_mode == "int" else -1
        return out.reshape(inputs.shape)

    def _out_of_vocabulary(self, tokens):
        if self.num_oov_indices == 0:
            raise ValueError(
                "When `num_oov_indices=0` all inputs should be in vocabulary, found OOV values "
                f"{sorted(set(tokens))[:10]}, consider setting `num_oov_indices=1`."
            )
        if self.vocabulary_dtype != "string" and self.oov_method != "farmhash":
            found = np.mod(np.array(tokens, "int64"), self.num_oov_indices)
        else:
            found = hashes.bins(np.array(tokens, object), self.num_oov_indices, self.salt)
        return found + self._oov_start()

    def _depth(self):
        return self.max_tokens if self.pad_to_max_tokens else self._frozen_vocab_size

    def encoded(self, numbers):
        """An array of numbers as the output mode wants it; -1 stands for nothing."""
        depth = self._depth()
        if depth is None:
            raise RuntimeError(
                f"When using `output_mode={self.output_mode}` and `pad_to_max_tokens=False`, you must set the layer's "
                "vocabulary before calling it. Either pass a `vocabulary` argument to the layer, or call `adapt` with some "
                "sample data."
            )
        if self.output_mode != "tf_idf":
            return host.encode(numbers, self.output_mode, depth)
        if self._weights is None:
            raise ValueError("When `output_mode` is `'tf_idf'`, `idf_weights` must be provided.")
        return host.encode(numbers, "count", depth, self._weights)

    def compute_output_shape(self, input_shape):
        shape = tuple(input_shape)
        if self.output_mode == "int":
            return shape
        if self.output_mode == "one_hot":
            return (*(shape[:-1] if len(shape) > 1 and shape[-1] == 1 else shape), self._depth())
        return (*shape[:-1], self._depth())

    def compute_output_spec(self, inputs):
        dtype = "int64" if self.output_mode == "int" else config.floatx()
        return KerasTensor(self.compute_output_shape(inputs.shape), dtype=dtype)

    @property
    def compute_dtype(self):
        return self.vocabulary_dtype

    @property
    def variable_dtype(self):
        return self.vocabulary_dtype

    # -- saving -------------------------------------------------------------------------------------------------
    def get_build_config(self):
        return {}

    def build_from_config(self, config):
        self.build(None)

    def save_own_variables(self, store):
        if self.output_mode == "tf_idf" and self._weights is not None:
            store["idf_weights"] = self._weights

    def load_own_variables(self, store):
        if self.output_mode == "tf_idf":
            self.__dict__["_weights"] = np.asarray(store["idf_weights"])

    def save_assets(self, dir_path):
        if self.input_vocabulary is None:
            with open(os.path.join(dir_path, vocabulary_module.FILE), "w", encoding="utf-8") as file:
                file.write("\n".join(str(x) for x in self.get_vocabulary()))

    def load_assets(self, dir_path):
        if self.input_vocabulary is None:
            found = vocabulary_module.lines(os.path.join(dir_path, vocabulary_module.FILE), self.vocabulary_dtype)
            special = [self.mask_token] * self._oov_start() + [self.oov_token] * self.num_oov_indices
            if found:  # weights, if there are any, come with the variables
                self._take_tokens(found[len(special) :] if found[: len(special)] == special else found)

    def get_config(self):
        names = ("invert", "max_tokens", "num_oov_indices", "oov_token", "mask_token", "output_mode", "sparse")
        return {
            **super().get_config(),
            **{name: getattr(self, name) for name in names},
            "pad_to_max_tokens": self.pad_to_max_tokens,
            "vocabulary_dtype": self.vocabulary_dtype,
            "idf_weights": _listed(self.input_idf_weights),
            "vocabulary": _listed(self.input_vocabulary),
            "vocabulary_size": self._frozen_vocab_size,
            "oov_method": self.oov_method,
            "salt": self.salt,
        }

    @classmethod
    def from_config(cls, config):
        vocabulary_module.refuse_path(config, cls.__name__)
        return super().from_config(config)


def _listed(x):
    return np.asarray(x).tolist() if isinstance(x, (np.ndarray, Tensor)) else x
