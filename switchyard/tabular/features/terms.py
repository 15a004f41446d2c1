"""Words and pairs of words of many texts, counted: what StringSplit and TfIdfVectorizer compute, in the memory that it takes.

ONNX pads the words of a text to those of the longest and has a column of each row for each term; here the words of a text
are a list of Arrow and the terms a sparse matrix. The numbers are the same.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.sparse import csr_array

Term = tuple[str, ...]
"""One word, or two that follow each other."""


def split_words(texts: np.ndarray) -> pa.ListArray:
    """The words of `texts`, object of shape (n,), in which one blank stands between two."""
    return pc.split_pattern(pa.array(texts.tolist(), pa.string()), " ")


def present_terms(words: pa.ListArray, terms: Sequence[Term]) -> csr_array:
    """Which of `terms` are in which text: 1 or 0, float32 of shape (n_texts, n_terms)."""
    vocabulary = {word: code for code, word in enumerate(dict.fromkeys(word for term in terms for word in term))}
    flat, rows = words.flatten(), pc.list_parent_indices(words).to_numpy()
    codes = pc.fill_null(pc.index_in(flat, value_set=pa.array(list(vocabulary), pa.string())), -1).to_numpy(zero_copy_only=False)
    keys = np.array([_key([vocabulary[word] for word in term], len(vocabulary)) for term in terms], dtype="int64")
    order = np.argsort(keys)
    found_rows, found_keys = _occurrences(codes.astype("int64"), rows, len(vocabulary))
    at = np.minimum(np.searchsorted(keys[order], found_keys), len(keys) - 1)
    known = keys[order][at] == found_keys
    pairs = np.unique(found_rows[known] * len(keys) + order[at[known]])
    owners, columns = np.divmod(pairs, len(keys))
    return csr_array((np.ones(len(pairs), "float32"), (owners, columns)), shape=(len(words), len(keys)))


def common_terms(words: pa.ListArray, fewest: int, most: int) -> list[Term]:
    """The terms in `fewest` texts at least, at most `most` of them: those in most texts, equals by name."""
    encoded = words.flatten().dictionary_encode()
    names, codes = encoded.dictionary.to_pylist(), encoded.indices.to_numpy(zero_copy_only=False).astype("int64")
    rows = pc.list_parent_indices(words).to_numpy()
    counts = np.bincount(np.unique(rows * len(names) + codes) % max(len(names), 1), minlength=len(names))
    # A pair is in no more texts than either of its words.
    codes = np.where(counts[codes] >= fewest, codes, -1)
    found_rows, found_keys = _occurrences(codes, rows, len(names))
    keys, at = np.unique(found_keys, return_inverse=True)
    counts = np.bincount(np.unique(found_rows * max(len(keys), 1) + at) % max(len(keys), 1), minlength=len(keys))
    kept = counts >= fewest
    named = [(-int(count), _term(int(key), names)) for count, key in zip(counts[kept], keys[kept], strict=True)]
    return [term for _, term in sorted(named)[:most]]


def _key(codes: Sequence[int], size: int) -> int:
    """A number for one word or a pair of words of `size`."""
    return codes[0] if len(codes) == 1 else size + codes[0] * size + codes[1]


def _term(key: int, names: list[str]) -> Term:
    size = len(names)
    return (names[key],) if key < size else (names[(key - size) // size], names[(key - size) % size])


def _occurrences(codes: np.ndarray, rows: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Text and key of each word and each pair of words, those left out that hold an unknown word (-1)."""
    known = codes >= 0
    pair = known[:-1] & known[1:] & (rows[:-1] == rows[1:])
    keys = np.concatenate([codes[known], size + codes[:-1][pair] * size + codes[1:][pair]])
    return np.concatenate([rows[known], rows[:-1][pair]]).astype("int64"), keys
