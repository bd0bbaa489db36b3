"""IntegerLookup: integers as numbers of a vocabulary."""

from __future__ import annotations

from kerasgpu.layers.preprocessing.index_lookup import IndexLookup


class IntegerLookup(IndexLookup):
    """Integers as numbers 0, 1, ... of a vocabulary, which is given or learned with `adapt`.

    Args:
        max_tokens: largest size of the vocabulary, special tokens included; None for no limit.
        num_oov_indices: how many numbers there are for integers outside of the vocabulary; 0 makes them an error.
        mask_token: an integer that gets number 0, or None.
        oov_token: what stands for unknown integers when invert is true.
        vocabulary: list, array or tensor of integers, or the path of a text file.
        vocabulary_dtype: "int64".
        idf_weights: one number for each of the vocabulary, for output_mode "tf_idf".
        invert: whether numbers are turned into integers of the vocabulary instead.
        output_mode: "int", or how numbers are encoded along the last axis: "one_hot", "multi_hot", "count" or "tf_idf".
        sparse: only False.
        pad_to_max_tokens: whether encodings have max_tokens classes even if the vocabulary is smaller.
        oov_method: which of several numbers an unknown integer gets: "floormod" or "farmhash".
        salt: a number or two, for another hash.

    >>> import kerasgpu as keras
    >>> keras.layers.IntegerLookup(vocabulary=[12, 36, 1138])([[12, 1138], [42, 36]]).tolist()
    [[1, 3], [0, 2]]
    """

    def __init__(
        self,
        max_tokens=None,
        num_oov_indices=1,
        mask_token=None,
        oov_token=-1,
        vocabulary=None,
        vocabulary_dtype="int64",
        idf_weights=None,
        invert=False,
        output_mode="int",
        sparse=False,
        pad_to_max_tokens=False,
        oov_method="floormod",
        salt=None,
        name=None,
        **kwargs,
    ):
        if vocabulary_dtype != "int64":
            raise ValueError(
                f"Only `vocabulary_dtype='int64'` is supported at this time. Received: vocabulary_dtype={vocabulary_dtype}"
            )
        super().__init__(
            max_tokens=max_tokens,
            num_oov_indices=num_oov_indices,
            mask_token=mask_token,
            oov_token=oov_token,
            vocabulary=vocabulary,
            vocabulary_dtype=vocabulary_dtype,
            idf_weights=idf_weights,
            invert=invert,
            output_mode=output_mode,
            sparse=sparse,
            pad_to_max_tokens=pad_to_max_tokens,
            oov_method=oov_method,
            salt=salt,
            name=name,
            **kwargs,
        )

    def get_config(self):
        config = super().get_config()
        for name in ("oov_token", "mask_token"):
            config[name] = None if config[name] is None else int(config[name])
        if config["vocabulary"] is not None:
            config["vocabulary"] = [int(v) for v in config["vocabulary"]]
        return config
