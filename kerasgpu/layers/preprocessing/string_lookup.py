"""StringLookup: strings as numbers of a vocabulary."""

from __future__ import annotations

from kerasgpu.layers.preprocessing.index_lookup import IndexLookup


class StringLookup(IndexLookup):
    """Strings as numbers 0, 1, ... of a vocabulary, which is given or learned with `adapt`.

    Args:
        max_tokens: largest size of the vocabulary, special tokens included; None for no limit.
        num_oov_indices: how many numbers there are for strings outside of the vocabulary (chosen by a hash); 0 makes them an
            error.
        mask_token: a string that gets number 0, or None.
        oov_token: what stands for unknown strings when invert is true.
        vocabulary: list or array of strings, or the path of a text file.
        idf_weights: one number for each of the vocabulary, for output_mode "tf_idf".
        invert: whether numbers are turned into strings instead; the result is a NumPy array.
        output_mode: "int", or how numbers are encoded along the last axis: "one_hot", "multi_hot", "count" or "tf_idf".
        pad_to_max_tokens: whether encodings have max_tokens classes even if the vocabulary is smaller.
        sparse: only False.
        encoding: of bytes.
        salt: a number or two, for another hash.

    The inputs are lists or NumPy arrays of strings; the results are tensors.

    >>> import kerasgpu as keras
    >>> keras.layers.StringLookup(vocabulary=["a", "b", "c"])([["a", "c"], ["z", "b"]]).tolist()
    [[1, 3], [0, 2]]
    """

    def __init__(
        self,
        max_tokens=None,
        num_oov_indices=1,
        mask_token=None,
        oov_token="[UNK]",
        vocabulary=None,
        idf_weights=None,
        invert=False,
        output_mode="int",
        pad_to_max_tokens=False,
        sparse=False,
        encoding="utf-8",
        name=None,
        salt=None,
        **kwargs,
    ):
        kwargs.pop("vocabulary_dtype", None)
        super().__init__(
            max_tokens=max_tokens,
            num_oov_indices=num_oov_indices,
            mask_token=mask_token,
            oov_token=oov_token,
            vocabulary=vocabulary,
            idf_weights=idf_weights,
            invert=invert,
            output_mode=output_mode,
            pad_to_max_tokens=pad_to_max_tokens,
            sparse=sparse,
            name=name,
            salt=salt,
            vocabulary_dtype="string",
            encoding=encoding,
            **kwargs,
        )

    def get_config(self):
        config = {**super().get_config(), "encoding": self.encoding}
        del config["vocabulary_dtype"]
        return config
