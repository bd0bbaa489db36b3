"""Logs that wait for a GPU only when somebody looks at them."""

import json
import pickle

from kerasgpu.progress.logs import LazyLogs


def test_lazy_logs_are_dicts_that_are_read_once():
    reads = []

    def logs():
        return LazyLogs(lambda: (reads.append(1), {"acc": 0.5, "loss": 2.0})[1])

    plain = {"acc": 0.5, "loss": 2.0}
    one = logs()
    assert one and (one or {}) is one and isinstance(one, dict) and not reads  # nobody looked at a number
    looks = [dict, lambda x: {**x}, lambda x: {} | x, lambda x: x | {}, lambda x: x.copy(), lambda x: dict(x.items())]
    looks += [lambda x: json.loads(json.dumps(x)), lambda x: pickle.loads(pickle.dumps(x)), lambda x: dict(zip(x, x.values()))]
    looks += [lambda x: (lambda **found: found)(**x), lambda x: eval(str(x)), lambda x: eval(f"{x}")]
    looks += [lambda x: {k: x[k] for k in x}, lambda x: {"acc": x.get("acc"), **{"loss": x.pop("loss")}}]
    for look in looks:
        assert look(logs()) == plain
    updated: dict = {}
    updated.update(logs())
    assert updated == plain == logs() and logs() == plain and logs() == logs() and repr(logs()) == repr(plain)
    assert len(logs()) == 2 and "acc" in logs() and "other" not in logs()
    before = len(reads)
    one["more"] = 1
    assert dict(one) == {**plain, "more": 1} and len(reads) == before + 1
