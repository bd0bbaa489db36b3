"""Tokenizer and its functions: words of texts as numbers. New code does better with keras.layers.TextVectorization."""

from __future__ import annotations

import collections
import hashlib
import json

import numpy as np

FILTERS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'


def text_to_word_sequence(input_text, filters=FILTERS, lower=True, split=" "):
    """The words of a text: characters of `filters` separate them, too.

    >>> import kerasgpu as keras
    >>> keras.preprocessing.text.text_to_word_sequence("A cat, a dog.")
    ['a', 'cat', 'a', 'dog']
    """
    text = input_text.lower() if lower else input_text
    text = text.translate(str.maketrans(dict.fromkeys(filters, split)))
    return [word for word in text.split(split) if word]


def _md5(word):
    return int(hashlib.md5(word.encode(), usedforsecurity=False).hexdigest(), 16)


def hashing_trick(text, n, hash_function=None, filters=FILTERS, lower=True, split=" ", analyzer=None):
    """The words of a text as numbers from 1 to n - 1 by a hash; different words may share one.

    Args:
        hash_function: function of a word; "md5" for one that is the same in every run; None for Python's hash, which is not.
        analyzer: function that splits the text, instead of text_to_word_sequence.
    """
    function = {None: hash, "md5": _md5}.get(hash_function, hash_function) if not callable(hash_function) else hash_function
    words = analyzer(text) if analyzer else text_to_word_sequence(text, filters, lower, split)
    return [function(word) % (n - 1) + 1 for word in words]


def one_hot(input_text, n, filters=FILTERS, lower=True, split=" ", analyzer=None):
    """hashing_trick with Python's hash: numbers, in spite of the name, and others in every run."""
    return hashing_trick(input_text, n, hash, filters, lower, split, analyzer)


class Tokenizer:
    """Numbers the words of texts, the most frequent first, from 1 on.

    Args:
        num_words: use only the num_words - 1 most frequent words, None for all.
        filters, lower, split: see text_to_word_sequence.
        char_level: every character is a word.
        oov_token: stands, with the number 1, for words that are not known; None leaves them out.
        analyzer: function that splits a text.

    >>> import kerasgpu as keras
    >>> tokenizer = keras.preprocessing.text.Tokenizer(oov_token="?")
    >>> tokenizer.fit_on_texts(["the cat sat on the mat"])
    >>> tokenizer.texts_to_sequences(["the dog sat"])
    [[2, 1, 4]]
    """

    def __init__(
        self, num_words=None, filters=FILTERS, lower=True, split=" ", char_level=False, oov_token=None, analyzer=None, **kwargs
    ):
        num_words = kwargs.pop("nb_words", num_words)  # its name in Keras 1
        self.document_count = kwargs.pop("document_count", 0)
        if kwargs:
            raise TypeError(f"Tokenizer got unexpected arguments: {', '.join(kwargs)}")
        self.num_words, self.filters, self.lower, self.split = num_words, filters, lower, split
        self.char_level, self.oov_token, self.analyzer = char_level, oov_token, analyzer
        self.word_counts: dict[str, int] = {}
        self.word_docs: dict[str, int] = collections.defaultdict(int)
        self.index_docs: dict[int, int] = collections.defaultdict(int)
        self.word_index: dict[str, int] = {}
        self.index_word: dict[int, str] = {}

    def _words(self, text):
        if isinstance(text, (list, tuple)):
            return [word.lower() for word in text] if self.lower else text
        if self.char_level:
            return text.lower() if self.lower else text
        return self.analyzer(text) if self.analyzer else text_to_word_sequence(text, self.filters, self.lower, self.split)

    def fit_on_texts(self, texts):
        """Count the words of texts (or of lists of words), and number them anew."""
        for text in texts:
            words = self._words(text)
            self.document_count += 1
            for word in words:
                self.word_counts[word] = self.word_counts.get(word, 0) + 1
            for word in set(words):
                self.word_docs[word] += 1
        ranked = sorted(self.word_counts, key=self.word_counts.get, reverse=True)
        if self.oov_token is not None:
            ranked = [self.oov_token, *ranked]
        # A word that is the oov_token itself takes its later place, as it always did.
        self.word_index = {word: k for k, word in enumerate(ranked, 1)}
        self.index_word = {k: word for word, k in self.word_index.items()}
        for word, count in self.word_docs.items():
            self.index_docs[self.word_index[word]] = count

    def fit_on_sequences(self, sequences):
        """Count in how many sequences each number is, for sequences_to_matrix(mode="tfidf")."""
        self.document_count += len(sequences)
        for sequence in sequences:
            for number in set(sequence):
                self.index_docs[number] += 1

    def _known(self, number):
        """The number if it is among num_words, else that of the oov_token, else None."""
        unknown = self.word_index.get(self.oov_token) if self.oov_token is not None else None
        return number if number is not None and not (self.num_words and number >= self.num_words) else unknown

    def texts_to_sequences_generator(self, texts):
        """The numbers of the words of each text, one list after the other."""
        for text in texts:
            numbers = (self._known(self.word_index.get(word)) for word in self._words(text))
            yield [n for n in numbers if n is not None]

    def texts_to_sequences(self, texts):
        """The numbers of the words of each text."""
        return list(self.texts_to_sequences_generator(texts))

    def sequences_to_texts_generator(self, sequences):
        """The words of each sequence of numbers with spaces between, one after the other."""
        for sequence in sequences:
            numbers = (self._known(n if n in self.index_word else None) for n in sequence)
            yield " ".join(self.index_word[n] for n in numbers if n is not None)

    def sequences_to_texts(self, sequences):
        """The words of each sequence of numbers, with spaces between."""
        return list(self.sequences_to_texts_generator(sequences))

    def texts_to_matrix(self, texts, mode="binary"):
        """A row for each text with a column for each word. See sequences_to_matrix."""
        return self.sequences_to_matrix(self.texts_to_sequences(texts), mode)

    def sequences_to_matrix(self, sequences, mode="binary"):
        """A row for each sequence with a column for each number.

        Args:
            mode: "binary" for 1 where the number is there, "count" how often, "freq" for its share of the sequence, "tfidf" for
                (1 + log count) log(1 + documents / (1 + documents with it)).
        """
        if mode not in ("binary", "count", "freq", "tfidf"):
            raise ValueError(f"`mode` must be 'binary', 'count', 'freq' or 'tfidf'. Received: {mode!r}")
        if not self.num_words and not self.word_index:
            raise ValueError("Tokenizer: give num_words, or call fit_on_texts() first, so that the number of columns is known.")
        if mode == "tfidf" and not self.document_count:
            raise ValueError("Tokenizer: call fit_on_texts() or fit_on_sequences() before mode='tfidf'.")
        columns = self.num_words or len(self.word_index) + 1
        out = np.zeros((len(sequences), columns))
        for row, sequence in zip(out, sequences):
            for number, count in collections.Counter(n for n in sequence if n < columns).items():
                row[number] = self._weight(mode, number, count, len(sequence))
        return out

    def _weight(self, mode, number, count, length):
        if mode == "binary":
            return 1
        if mode == "count":
            return count
        if mode == "freq":
            return count / length
        return (1 + np.log(count)) * np.log(1 + self.document_count / (1 + self.index_docs.get(number, 0)))

    def get_config(self):
        """The settings and counts, these as JSON texts."""
        settings = ("num_words", "filters", "lower", "split", "char_level", "oov_token", "document_count")
        counts = ("word_counts", "word_docs", "index_docs", "index_word", "word_index")
        return {**{n: getattr(self, n) for n in settings}, **{n: json.dumps(getattr(self, n)) for n in counts}}

    def to_json(self, **kwargs):
        """All of it as JSON, for tokenizer_from_json; kwargs go to json.dumps. An analyzer is not in it."""
        return json.dumps({"class_name": type(self).__name__, "config": self.get_config()}, **kwargs)


def tokenizer_from_json(json_string):
    """The Tokenizer that to_json() wrote, here or in Keras 2."""
    config = json.loads(json_string)["config"]
    tables = {n: json.loads(config.pop(n)) for n in ("word_counts", "word_docs", "index_docs", "index_word", "word_index")}
    made = Tokenizer(**config)
    made.word_counts, made.word_index = tables["word_counts"], tables["word_index"]
    made.index_word = {int(k): word for k, word in tables["index_word"].items()}  # JSON has text for keys
    made.word_docs = collections.defaultdict(int, tables["word_docs"])
    made.index_docs = collections.defaultdict(int, {int(k): n for k, n in tables["index_docs"].items()})
    return made
