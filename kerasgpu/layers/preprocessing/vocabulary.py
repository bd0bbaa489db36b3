"""Vocabularies: their files, and what they must not contain."""

from __future__ import annotations

import collections
import os

from kerasgpu.configs.serialization import in_safe_mode

FILE = "vocabulary.txt"


def lines(path, dtype):
    """The tokens of a file, one on each line."""
    if not os.path.exists(path):
        raise ValueError(f"The vocabulary is missing: there is no file {os.path.basename(path)}")
    with open(path, encoding="utf-8") as file:
        found = file.read().split("\n")
    while found and found[-1] in ("", "\r"):
        found.pop()
    found = [line.removesuffix("\r") for line in found]
    return found if dtype == "string" else [int(line) for line in found]


def refuse_path(config, name):
    """A config may come from a stranger's file: what it holds is never a path, whatever the safe mode."""
    if isinstance(config.get("vocabulary"), str):
        raise ValueError(
            f"{name}: the vocabulary in a config must be a list of tokens, never the path of a file. Received: "
            f"vocabulary={config['vocabulary']!r}. Make the layer with the path, or give the tokens"
        )


def read_file(path, output_mode, dtype):
    """The tokens of a file named by the user; refused while a model from elsewhere is being loaded."""
    if in_safe_mode():
        raise ValueError(
            "Requested the loading of a vocabulary file outside of the model archive. This carries a potential risk of loading "
            "arbitrary and sensitive files and thus it is disallowed by default. If you trust the source of the artifact, you "
            "can override this error by passing `safe_mode=False` to the loading function, or calling "
            f"`keras.config.enable_unsafe_deserialization(). Vocabulary file: '{path}'"
        )
    if not os.path.exists(path):
        raise ValueError(f"Vocabulary file {path} does not exist.")
    if output_mode == "tf_idf":
        raise ValueError("output_mode `'tf_idf'` does not support loading a vocabulary from file.")
    return lines(path, dtype)


def check_tokens(tokens, special, mask_token, oov_token):
    """ValueError for tokens that occur twice, or are among the special ones."""
    if len(set(tokens)) != len(tokens):
        repeated = [x for x, n in collections.Counter(tokens).items() if n > 1]
        raise ValueError(
            "The passed vocabulary has at least one repeated term. Please uniquify your dataset. The repeated terms are: "
            f"{repeated}"
        )
    for kind, token in (("mask", mask_token), ("OOV", oov_token)):
        if token is not None and token in tokens:
            raise ValueError(
                f"Found reserved {kind} token at unexpected location in `vocabulary`. Note that passed `vocabulary` does not "
                "need to include the OOV and mask tokens. Either remove all mask and OOV tokens, or include them only at the "
                f"start of the vocabulary in precisely this order: {special}. Received: {kind.lower()}_token={token} at "
                f"vocabulary index {tokens.index(token)}"
            )
