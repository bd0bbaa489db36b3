"""Random data, compile and fit arguments for a model."""

from tests.differential.random_models import Made
from tests.differential.steps import Line, call

LOSSES = ["'mse'", "'mae'", "'huber'", "'log_cosh'", "keras.losses.MeanSquaredError(reduction='sum')", "keras.losses.Huber(delta=0.5)", "keras.losses.cosine_similarity",
          "'mean_squared_logarithmic_error'", "keras.losses.MeanSquaredError(reduction=None)", "keras.losses.MeanAbsoluteError('mean_with_sample_weight')",
          "lambda t, p: keras.ops.mean(keras.ops.square(t - p), axis=-1)", "lambda t, p: keras.ops.mean(keras.ops.abs(t - p))"]  # fmt: skip
PROBABILITY_LOSSES = ["'binary_crossentropy'", "keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=0.1)", "'hinge'", "'squared_hinge'",
                      "keras.losses.BinaryFocalCrossentropy(from_logits=True)", "'poisson'"]  # fmt: skip
CLASS_LOSSES = ["keras.losses.SparseCategoricalCrossentropy(from_logits=True)", "'sparse_categorical_crossentropy'",
                "keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=0)"]  # fmt: skip
WRONG_LOSSES = ["'no_such'", "3", "keras.losses.MeanSquaredError"]
METRICS = ["'mae'", "'mse'", "'accuracy'", "'acc'", "keras.metrics.MeanAbsoluteError(name='m')", "keras.metrics.RootMeanSquaredError()", "keras.metrics.BinaryAccuracy(threshold=0.3)",
           "keras.metrics.R2Score()", "keras.metrics.CosineSimilarity(axis=-1)", "keras.metrics.MeanMetricWrapper(keras.losses.mean_squared_error, name='w')",
           "lambda t, p: keras.ops.mean(t - p)"]  # fmt: skip
RATES = ["0.01", "0.05", "np.float32(0.02)", "keras.optimizers.schedules.ExponentialDecay(0.05, 3, 0.5, staircase=True)",
         "keras.optimizers.schedules.PiecewiseConstantDecay([2, 4], [0.05, 0.02, 0.01])", "keras.optimizers.schedules.CosineDecay(0.05, 5, warmup_steps=2, warmup_target=0.08)",
         "keras.optimizers.schedules.PolynomialDecay(0.05, 4, cycle=True)", "keras.optimizers.schedules.InverseTimeDecay(0.05, 2, 0.5)",
         "keras.optimizers.schedules.CosineDecayRestarts(0.05, 2)", ..., "'0.1'", "-1.0", "None"]  # fmt: skip
SHARED = {
    "learning_rate": RATES,
    "weight_decay": ["0.01", "0.1", ..., "'a'"],
    "clipnorm": ["0.5", ..., "-1.0", "'a'"],
    "use_ema": ["True"],
    "ema_momentum": ["0.5", ..., "2.0"],
    "ema_overwrite_frequency": ["2", ..., "0", "-1", "1.5"],
    "gradient_accumulation_steps": ["2", "3", ..., "0", "1", "-1"],
    "loss_scale_factor": ["8.0"],
    "name": ["'mine'"],
}
OPTIMIZERS = {
    "SGD": {"momentum": ["0.9", "0.5", ..., "-1.0", "2.0"], "nesterov": ["True"]},
    "Adam": {"beta_1": ["0.8"], "beta_2": ["0.9"], "epsilon": ["0.001"], "amsgrad": ["True"]},
    "AdamW": {"beta_1": ["0.8"]},
    "Adamax": {"beta_2": ["0.9"]},
    "Nadam": {"beta_1": ["0.8"]},
    "RMSprop": {"rho": ["0.8"], "momentum": ["0.5"], "centered": ["True"]},
    "Adagrad": {"initial_accumulator_value": ["0.2"]},
    "Adadelta": {"rho": ["0.8"]},
    "Ftrl": {"l1_regularization_strength": ["0.01"], "learning_rate_power": ["-0.3", ..., "0.5"], "beta": ["0.1"]},
    "Lion": {"beta_1": ["0.8"]},
    "Lamb": {"beta_1": ["0.8"]},
    "Adafactor": {"relative_step": ["False"], "clip_threshold": ["0.5"]},
}
NAMES = ["'sgd'", "'adam'", "'rmsprop'", "'adagrad'", "'ADAM'", "'nadam'", "'no_such'"]
MONITORS = ["'loss'", "'val_loss'", "'mae'", "'no_such'"]
CALLBACKS = {
    "EarlyStopping": {"monitor": MONITORS, "patience": ["0", "1"], "restore_best_weights": ["True"], "min_delta": ["0.05", "-0.05"], "start_from_epoch": ["1"],
                      "baseline": ["0.1"], "mode": ["'max'", "'min'", "'auto'", ..., "'no_such'"]},
    "ReduceLROnPlateau": {"monitor": MONITORS, "factor": ["0.5", ..., "1.0", "2.0"], "patience": ["0", "1"], "cooldown": ["1"], "min_lr": ["0.01"], "min_delta": ["0.1"],
                          "mode": ["'max'", "'min'"]},
    "LearningRateScheduler": {},
    "ModelCheckpoint": {"monitor": MONITORS, "save_best_only": ["True"], "save_weights_only": ["True"], "mode": ["'max'", "'min'"],
                        "save_freq": ["'epoch'", "2", ..., "'no_such'", "0"], "initial_value_threshold": ["0.5"]},
    "TerminateOnNaN": {},
    "CSVLogger": {},
}  # fmt: skip
FIT = {
    "batch_size": ["1", "3", "5", "32", "np.int64(4)", "100", ..., "0", "-1", "2.5", "'3'"],
    "epochs": ["1", "2", "3", "np.int64(2)", ..., "0", "-1", "1.5"],
    "initial_epoch": ["1", "2", ..., "7", "-1"],
    "validation_freq": ["2", "[1]", "[1, 3]", "np.int64(2)", ..., "0", "2.5", "'a'"],
    "class_weight": ["{0: 1.0, 1: 2.0}", ..., "{0: 1.0}", "[1.0, 2.0]"],
}


def data(choose, made: Made, rows):
    """Statements that assign x, y, w; y of the kind that `loss` asks for."""
    steps = [Line("rng", f"rng = np.random.default_rng({choose.rng.randrange(100)})")]
    cast = choose.one(["", ".astype('float32')", ".astype('float32')", ".astype('float16')"])
    one = (
        "rng.integers(0, 6, {s})" + choose.one(["", ".astype('int32')", ".astype('float32')"])
        if made.integers
        else "rng.normal(size={s})" + cast
    )
    steps.append(Line("x", "x = " + container(made.container, {k: one.format(s=(rows, *s)) for k, s in made.inputs.items()})))
    return steps


def container(kind, values):
    if kind == "one":
        return next(iter(values.values()))
    return (
        "[" + ", ".join(values.values()) + "]"
        if kind == "list"
        else "{" + ", ".join(f"'{k}': {v}" for k, v in values.items()) + "}"
    )


def target(choose, kind, shape, rows):
    if kind == "class":
        return choose.one(
            [
                f"rng.integers(0, 2, {rows})",
                f"rng.integers(0, 2, ({rows}, 1))",
                f"rng.integers(0, 2, {rows}).astype('float32')",
                f"rng.integers(0, 2, {rows}).astype('uint8')",
            ]
        )
    if kind == "probability":
        return f"rng.integers(0, 2, {(rows, *shape)})" + choose.one(["", ".astype('float32')", ".astype(bool)"])
    full = f"rng.random({(rows, *shape)})"
    if shape == (1,) and choose.maybe(0.3):
        full = f"rng.random({rows})"
    return full + choose.one(["", ".astype('float32')", ".astype('float32')"])


def loss(choose, shape):
    if choose.maybe(choose.wrong):
        return choose.one(WRONG_LOSSES), "number"
    if shape == (2,) and choose.maybe(0.25):
        return choose.one(CLASS_LOSSES), "class"
    return (choose.one(PROBABILITY_LOSSES), "probability") if choose.maybe(0.3) else (choose.one(LOSSES), "number")


def optimizer(choose):
    if choose.maybe(0.2):
        return choose.one(NAMES if choose.maybe(0.05) else NAMES[:-1])
    name = choose.one(list(OPTIMIZERS))
    keywords = {**choose.arguments(OPTIMIZERS[name]), **choose.arguments(SHARED, 0.15)}
    keywords.setdefault("learning_rate", "0.03")
    return f"keras.optimizers.{name}({', '.join(f'{k}={v}' for k, v in keywords.items())})"


def some_metrics(choose):
    return choose.rng.sample(METRICS, choose.rng.randrange(0, 3))


def compiled(choose, made: Made, rows):
    """Steps that draw labels and compile."""
    drawn = {k: loss(choose, s) for k, s in made.outputs.items()}
    if made.given != "one" and choose.maybe(0.2):  # one loss for all
        same = (choose.one(LOSSES), "number")
        drawn = dict.fromkeys(made.outputs, same)
        text = same[0]
    else:
        text = container(made.given, {k: t for k, (t, _) in drawn.items()})
    labels = container(made.given, {k: target(choose, drawn[k][1], s, rows) for k, s in made.outputs.items()})
    steps = [Line("y", f"y = {labels}")]
    keywords = {"optimizer": optimizer(choose), "loss": text}
    numbers = all(kind != "class" for _, kind in drawn.values())
    for which in ("metrics", "weighted_metrics"):
        if choose.maybe(0.4):
            keywords[which] = metrics(choose, made, numbers)
    if made.given != "one" and choose.maybe(0.3):
        keywords["loss_weights"] = container(made.given, {k: choose.one(["0.5", "2.0", "1"]) for k in made.outputs})
    if choose.maybe(0.05):
        keywords["loss_weights"] = choose.one(["0.5", "[0.5]", "[1.0, 2.0, 3.0]", "{'zz': 1.0}"])
    keywords.update(
        choose.arguments({"steps_per_execution": [..., "0", "-1"], "run_eagerly": ["True"], "auto_scale_loss": ["False"]}, 0.12)
    )
    steps.append(call("", "model.compile", **keywords))
    return steps, numbers


def metrics(choose, made, numbers):
    def some():
        return "[" + ", ".join(some_metrics(choose) if numbers else choose.rng.sample(["'accuracy'", "'acc'"], 1)) + "]"

    return some() if made.given == "one" else container(made.given, {k: some() for k in made.outputs})


def callback(choose):
    name = choose.one(list(CALLBACKS))
    keywords = choose.arguments(CALLBACKS[name])
    first = {
        "LearningRateScheduler": [choose.one(["lambda e: 0.05 / (e + 1)", "lambda e, r: r * 0.5"])],
        "CSVLogger": ["here + '/log.csv'"],
    }.get(name, [])
    if name == "ModelCheckpoint":
        first = [choose.one(["here + '/c.weights.h5'", "here + '/c{epoch:02d}.weights.h5'"]) if "save_weights_only" in keywords else
                 choose.one(["here + '/c.keras'", "here + '/c{epoch}-{loss:.1f}.keras'", "here + '/c.keras'"])]  # fmt: skip
    return f"keras.callbacks.{name}({', '.join([*first, *(f'{k}={v}' for k, v in keywords.items())])})"


def weights(choose, made, rows):
    one = f"rng.random({rows})" + choose.one(
        ["", ".astype('float32')", ".reshape(-1, 1)", ".tolist()" if made.given == "one" and choose.maybe(0.1) else ""]
    )
    return container(made.given, dict.fromkeys(made.outputs, one))


def fitted(choose, made: Made, rows, target="h"):
    """A fit and what goes with it."""
    keywords = choose.arguments(FIT, 0.3)
    keywords = {k: v for k, v in keywords.items() if k != "class_weight" or made.given == "one"}
    steps = []
    weighted = "class_weight" not in keywords and choose.maybe(0.2)
    if weighted:
        steps.append(Line("w", f"w = {weights(choose, made, rows)}"))
    parts = "x, y, w" if weighted else "x, y"
    kind = choose.one(["arrays"] * 4 + ["generator", "dataset", "lists", "forever"])
    if kind in ("arrays", "lists"):
        x = "x.tolist()" if kind == "lists" and made.container == "one" else "x"
        positional = [x, "y"]
        if weighted:
            keywords["sample_weight"] = "w"
        if choose.maybe(0.3):
            keywords["validation_split"] = (
                choose.one(["0.2", "0.3", "np.float32(0.5)"])
                if not choose.maybe(0.05)
                else choose.one(["1.0", "-0.1", "0.99", "0.01", "0"])
            )
        if choose.maybe(0.1):
            keywords["steps_per_epoch"] = choose.one(["1", "2", "3"])
    else:
        size = choose.one(["3", "4", "20"])
        positional = [
            f"dataset(keras, {parts}, size={size})"
            if kind == "dataset"
            else f"batches({parts}, size={size}, forever={kind == 'forever'})"
        ]
        keywords.pop("batch_size", None) if not choose.maybe(0.03) else None
        if kind == "generator":
            keywords.pop("epochs", None) if not choose.maybe(0.1) else None
        if kind == "forever" or choose.maybe(0.1):
            keywords["steps_per_epoch"] = choose.one(["1", "2", "5"])
    if choose.maybe(0.25):
        keywords["validation_data"] = choose.one(
            ["(x, y)", "(x, y)", "dataset(keras, x, y, size=5)", "(x, y, w)" if weighted else "(x, y)", "[x, y]"]
        )
        keywords.update(choose.arguments({"validation_batch_size": ["2", "5"], "validation_steps": ["1", "2"]}, 0.2))
    if choose.maybe(0.35):
        keywords["callbacks"] = "[" + ", ".join(callback(choose) for _ in range(choose.rng.randrange(1, 3))) + "]"
    steps.append(call(target, "model.fit", *positional, **keywords, shuffle="False", verbose="0"))
    return steps
