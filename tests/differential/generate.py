"""One random program from its seed."""

import random

from tests.differential import random_models, surgery, training
from tests.differential.steps import Chooser, Line


def program(seed) -> list:
    """Builds a model, compiles, fits, and then a few operations, fits and recompilations."""
    choose = Chooser(random.Random(seed), wrong=random.Random(seed + 1).choice([0.0, 0.0, 0.03]))
    made = random_models.model(choose)
    rows = choose.one([7, 10, 13])
    steps = [
        *training.data(choose, made, rows),
        *made.steps,
        Line("", "spread(model)"),
        Line("p", "p = model.predict(x, verbose=0)"),
    ]
    compiled, _ = training.compiled(choose, made, rows)
    steps += [*compiled, *training.fitted(choose, made, rows)]
    for _ in range(choose.rng.randrange(1, 4)):
        steps += surgery.operation(choose)
        if choose.maybe(0.4):
            steps += training.compiled(choose, made, rows)[0]
        if choose.maybe(0.6):
            steps += training.fitted(choose, made, rows)
    return [*steps, Line("p", "p = model.predict(x, verbose=0)")]
