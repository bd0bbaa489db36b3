"""Prefix beam search over CTC outputs (Hannun et al. 2014, "First-pass large vocabulary continuous speech recognition")."""

from __future__ import annotations

import numpy as np

_NEVER = -np.inf


def _best_prefixes(logs, beam_width, blank):
    """[(labels, log-probability), ...], best first, for log-probabilities (steps, classes)."""
    # prefix -> [log-probability of alignments that end on a blank, on the last label]
    beams = {(): [0.0, _NEVER]}
    for row in logs:
        found: dict = {}

        def add(prefix, kind, value, found=found):
            entry = found.setdefault(prefix, [_NEVER, _NEVER])
            entry[kind] = np.logaddexp(entry[kind], value)

        for prefix, (on_blank, on_label) in beams.items():
            total = np.logaddexp(on_blank, on_label)
            add(prefix, 0, total + row[blank])
            for c, log in enumerate(row):
                if c == blank:
                    continue
                if prefix and prefix[-1] == c:
                    add(prefix, 1, on_label + log)  # the same label goes on
                    add((*prefix, c), 1, on_blank + log)  # a second one, after a blank
                else:
                    add((*prefix, c), 1, total + log)
        ranked = sorted(found.items(), key=lambda item: -np.logaddexp(*item[1]))
        beams = dict(ranked[:beam_width])
    return [(prefix, np.logaddexp(*ends)) for prefix, ends in sorted(beams.items(), key=lambda item: -np.logaddexp(*item[1]))]


def decode_batch(beam_width, blank, logs, lengths, labels, scores):
    """Fill labels (paths, batch, steps) and scores (batch, paths) for log-probabilities (batch, steps, classes)."""
    if not isinstance(logs, np.ndarray):
        raise NotImplementedError("ctc_decode: beam search runs on the CPU; move its inputs there with .cpu()")
    labels[...] = -1
    scores[...] = _NEVER
    for b in range(logs.shape[0]):
        found = _best_prefixes(logs[b, : int(lengths[b])].astype("float64"), beam_width, blank)
        for k, (prefix, score) in enumerate(found[: labels.shape[0]]):
            labels[k, b, : len(prefix)] = prefix
            scores[b, k] = score
