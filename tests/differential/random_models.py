"""Random models: the statements that build `model`, what it takes and what it gives."""

import dataclasses
import math

from tests.differential.steps import Line, call

ACTIVATIONS = [
    "'relu'",
    "'tanh'",
    "'sigmoid'",
    "'softmax'",
    "'gelu'",
    "'elu'",
    "'softplus'",
    "'swish'",
    "None",
    "'linear'",
    "'hard_sigmoid'",
]
REGULARIZERS = ["'l2'", "'l1'", "'l1_l2'", "keras.regularizers.L2(0.01)", "keras.regularizers.L1L2(l1=0.01)", "None"]
CONSTRAINTS = ["'max_norm'", "'non_neg'", "'unit_norm'", "keras.constraints.MinMaxNorm(0.1, 1.0)", "None"]
INITIALIZERS = ["'zeros'", "'ones'", "'he_normal'", "keras.initializers.Constant(0.5)"]
KERNEL = {
    "activation": [*ACTIVATIONS, ..., "'no_such'", "3"],
    "use_bias": ["False", "True", "np.bool_(False)"],
    "kernel_regularizer": [*REGULARIZERS, ..., "'l9'"],
    "bias_regularizer": REGULARIZERS,
    "activity_regularizer": REGULARIZERS,
    "kernel_constraint": [*CONSTRAINTS, ..., "'no_such'"],
    "bias_constraint": CONSTRAINTS,
    "kernel_initializer": [*INITIALIZERS, ..., "'no_such'"],
    "trainable": ["False"],
    "name": ["'named'"],
}
SEQUENCE = {
    "return_sequences": ["True", "False"],
    "go_backwards": ["True"],
    "unroll": ["True"],
    "use_bias": ["False"],
    "kernel_regularizer": REGULARIZERS,
    "recurrent_constraint": CONSTRAINTS,
    "activation": ["'tanh'", "'relu'", "'sigmoid'"],
}
AXES = ["-1", "1", "[1]", "(-1,)", ..., "0", "7", "'a'"]
COUNTS = ["1", "2", "3", "np.int64(3)", ..., "0", "-1", "2.5", "'3'", "None", "np.float32(2.0)", "True"]
WINDOWS = ["1", "2", "3", "(2,)", "[2]", ..., "0", "-1", "(1, 2, 3, 4)", "None", "1.5"]
ANY = {
    "Activation": ([["'relu'", "'tanh'", "'softmax'", "keras.activations.silu", ..., "'no_such'"]], {}),
    "BatchNormalization": (
        [],
        {"axis": AXES, "momentum": ["0.5", "0.9", ..., "2.0"], "epsilon": ["0.01"], "center": ["False"], "scale": ["False"]},
    ),
    "LayerNormalization": ([], {"axis": AXES, "epsilon": ["0.01"], "center": ["False"], "scale": ["False"]}),
    "UnitNormalization": ([], {"axis": AXES}),
    "RMSNormalization": ([], {"axis": ["-1"], "epsilon": ["0.01"]}),
    "Dropout": ([["0.0", "0", ..., "1.5", "-1", "'0'", "None"]], {}),
    "GaussianNoise": ([["0.0", ..., "-1.0"]], {}),
    "ActivityRegularization": ([], {"l1": ["0.01"], "l2": ["0.01", ..., "-1.0"]}),
    "PReLU": ([], {"shared_axes": ["[1]", ..., "[5]"]}),
    "LeakyReLU": ([], {"negative_slope": ["0.1", "0.3", ..., "-1.0", "None"]}),
    "ReLU": ([], {"max_value": ["1.0", ..., "-1.0"], "threshold": ["0.1", ..., "-1.0"]}),
    "ELU": ([], {"alpha": ["0.5"]}),
    "Softmax": ([], {"axis": AXES}),
    "Rescaling": ([["2.0", "0.5"]], {"offset": ["1.0"]}),
    "Identity": ([], {}),
    "Masking": ([], {"mask_value": ["0.0", "1.0"]}),
}


@dataclasses.dataclass
class Made:
    """steps that build `model`; the shapes (without the batch) of what it takes and gives, by key, place or None for one alone."""

    steps: list
    inputs: dict
    outputs: dict
    container: str = "one"  # of the inputs: one, list, dict
    given: str = "one"  # of the outputs
    integers: bool = False


def any_layer(choose):
    name = choose.one(list(ANY))
    positional, keywords = ANY[name]
    drawn = []
    for texts in positional:
        at = texts.index(...) if ... in texts else len(texts)
        drawn.append(choose.one(texts[at + 1 :] if texts[at + 1 :] and choose.maybe(choose.wrong) else texts[:at]))
    return name, drawn, choose.arguments(keywords)


def count(choose):
    at = COUNTS.index(...)
    if choose.maybe(choose.wrong):
        return choose.one(COUNTS[at + 1 :]), 2
    text = choose.one(COUNTS[:at])
    return text, 3 if text.startswith("np.") else int(text)


def layer(choose, shape):
    """(name, positional, keywords, shape after) of a layer that takes `shape`."""
    if choose.maybe(0.35):
        name, positional, keywords = any_layer(choose)
        return name, positional, keywords, shape
    if len(shape) == 1:
        return vector_layer(choose, shape)
    return sequence_layer(choose, shape) if len(shape) == 2 else image_layer(choose, shape)


def vector_layer(choose, shape):
    kind = choose.one(["Dense"] * 5 + ["RepeatVector", "Reshape", "Normalization"])
    if kind == "RepeatVector":
        text, n = count(choose)
        return kind, [text], {}, (n, *shape)
    if kind == "Reshape":
        return kind, [choose.one([f"({shape[0]}, 1)", f"[{shape[0]}, 1]", f"(-1, 1, {shape[0]})"][:2])], {}, (shape[0], 1)
    if kind == "Normalization":
        return kind, [], {"mean": "0.5", "variance": "2.0"}, shape
    text, n = count(choose)
    return "Dense", [text], choose.arguments(KERNEL, 0.12), (n,)


def sequence_layer(choose, shape):
    steps, width = shape
    kind = choose.one(["Dense", "Conv1D", "Conv1D", "LSTM", "GRU", "SimpleRNN", "Flatten", "Pool", "Global", "Permute", "ZeroPadding1D", "Bidirectional",
                       "TimeDistributed", "UpSampling1D", "Reshape"])  # fmt: skip
    text, n = count(choose)
    if kind == "Dense":
        return kind, [text], choose.arguments(KERNEL, 0.12), (steps, n)
    if kind == "Conv1D":
        keywords = choose.arguments({**KERNEL, "dilation_rate": ["1", "2"], "strides": ["1", ..., "0", "-1"]}, 0.12)
        return (
            kind,
            [text, choose.one(WINDOWS[:5])],
            {**keywords, "padding": choose.one(["'same'", "'causal'", "'SAME'"])},
            (steps, n),
        )
    if kind in ("LSTM", "GRU", "SimpleRNN"):
        keywords = choose.arguments(SEQUENCE, 0.2)
        return kind, [text], keywords, (steps, n) if keywords.get("return_sequences") == "True" else (n,)
    if kind == "Bidirectional":
        keywords = choose.arguments({"merge_mode": ["'concat'", "'sum'", "'ave'", "'mul'", ..., "'no_such'", "None"]})
        wide = n * 2 if keywords.get("merge_mode", "'concat'") == "'concat'" else n
        return kind, [f"keras.layers.GRU({n}, return_sequences=True)"], keywords, (steps, wide)
    if kind == "TimeDistributed":
        return kind, [f"keras.layers.Dense({n})"], {}, (steps, n)
    if kind == "Pool":
        kind = choose.one(["MaxPooling1D", "AveragePooling1D"])
        return kind, [choose.one(WINDOWS) if choose.maybe(0) else "2"], {"padding": "'same'"}, (-(-steps // 2), width)
    if kind == "Global":
        kind = choose.one(["GlobalMaxPooling1D", "GlobalAveragePooling1D"])
        keywords = choose.arguments({"keepdims": ["True"]})
        return kind, [], keywords, (1, width) if keywords else (width,)
    if kind == "Permute":
        return kind, ["(2, 1)"], {}, (width, steps)
    if kind == "ZeroPadding1D":
        return kind, [choose.one(["1", "(1, 1)"])], {}, (steps + 2, width)
    if kind == "UpSampling1D":
        return kind, ["2"], {}, (steps * 2, width)
    if kind == "Reshape":
        return kind, [f"(-1, {steps}, 1)"], {}, (width, steps, 1)
    return "Flatten", [], {}, (steps * width,)


def image_layer(choose, shape):
    high, wide, depth = shape
    text, n = count(choose)
    kind = choose.one(
        [
            "Conv2D",
            "Conv2D",
            "DepthwiseConv2D",
            "SeparableConv2D",
            "Conv2DTranspose",
            "Flatten",
            "Flatten",
            "Global",
            "Pool",
            "GroupNormalization",
        ]
    )
    if kind in ("Conv2D", "SeparableConv2D", "Conv2DTranspose"):
        table = {k: v for k, v in KERNEL.items() if kind != "SeparableConv2D" or not k.startswith("kernel_")}
        keywords = {**choose.arguments(table, 0.12), "padding": "'same'"}
        return kind, [text, choose.one(["1", "2", "(2, 1)", "[1, 2]", "np.int64(2)"])], keywords, (high, wide, n)
    if kind == "DepthwiseConv2D":
        return (
            kind,
            ["2"],
            {"padding": "'same'", **choose.arguments({"depth_multiplier": ["1"], "activation": ACTIVATIONS})},
            shape,
        )
    if kind == "Global":
        return choose.one(["GlobalMaxPooling2D", "GlobalAveragePooling2D"]), [], {}, (depth,)
    if kind == "Pool":
        after = (-(-high // 2), -(-wide // 2), depth)
        return (
            choose.one(["MaxPooling2D", "AveragePooling2D"]),
            [choose.one(["2", "(2, 2)", "[2, 2]"])],
            {"padding": "'same'"},
            after,
        )
    if kind == "GroupNormalization":
        return kind, [], {"groups": choose.one(["1", "-1", "np.int64(1)"])}, shape
    return "Flatten", [], {}, (math.prod(shape),)


def source_of(choose, shape):
    name, positional, keywords, after = layer(choose, shape)
    step = call("", f"keras.layers.{name}", *positional, **keywords)
    return step, after


def start_shape(choose):
    return choose.one([(3,), (4,), (5, 3), (4, 2), (1,), (4, 3, 2)])


def flattened(steps, name, shape):
    """Ends a chain in one vector per row."""
    if len(shape) == 1:
        return name, shape
    steps.append(call("flat" + name, "keras.layers.Flatten", suffix=f"({name})"))
    return "flat" + name, (math.prod(shape),)


def sequential(choose):
    shape = first = start_shape(choose)
    integers = len(first) == 1 and choose.maybe(0.15)
    parts = [f"keras.Input({first})"]
    deferred = choose.maybe(0.2)
    if integers:
        keywords = "".join(
            f", {k}={v}"
            for k, v in choose.arguments({"mask_zero": ["True"], "embeddings_regularizer": REGULARIZERS}, 0.4).items()
        )
        parts.append(f"keras.layers.Embedding(6, 3{keywords})")
        shape = (first[0], 3)
    layers = []
    for _ in range(choose.rng.randrange(1, 5)):
        step, shape = source_of(choose, shape)
        layers.append(step)
    if len(shape) > 1:
        layers.append(call("", "keras.layers.Flatten"))
    layers.append(call("", "keras.layers.Dense", "2"))
    start = [] if deferred else parts[:1]
    steps = [Line("model", f"model = keras.Sequential([{', '.join(start + parts[1:])}])")]
    steps += [call("", "model.add", step.source()) for step in layers]
    if deferred:
        steps.append(Line("", f"model.build({choose.one([f'{(None, *first)}', f'(7, *{first})'])})"))
    return Made(steps, {None: first}, {None: (2,)}, integers=integers)


def functional(choose):
    """Branches that share layers and a nested model, merged into one or more outputs."""
    container = choose.one(["one", "list", "dict"])
    names = ["a", "b"] if container != "one" else ["a"]
    shape = start_shape(choose)
    steps = [
        call(n, "keras.Input", str(shape), **({"name": f"'{n}'"} if container == "dict" or choose.maybe(0.3) else {}))
        for n in names
    ]
    ends = []
    for i in range(choose.rng.randrange(1, 4)):
        at, now = choose.one(names), shape
        for j in range(choose.rng.randrange(1, 4)):
            step, now = source_of(choose, now)
            steps.append(call(f"x{i}{j}", step.function, *step.positional, **dict(step.keywords), suffix=f"({at})"))
            at = f"x{i}{j}"
        at, now = flattened(steps, at, now)
        steps.append(call(f"d{i}", "keras.layers.Dense", "3", suffix=f"({at})"))
        ends.append(f"d{i}")
    if choose.maybe(0.4):
        steps.append(call("shared", "keras.layers.Dense", "3", **choose.arguments(KERNEL, 0.1)))
        steps += [Line(e + "s", f"{e}s = shared({e})") for e in ends]
        ends = [e + "s" for e in ends]
    if choose.maybe(0.3):
        steps.append(
            Line(
                "inner",
                "inner = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, activation='tanh'), keras.layers.Dense(3)])",
            )
        )
        steps += [Line(e + "n", f"{e}n = inner({e})") for e in ends]
        ends = [e + "n" for e in ends]
    if len(ends) > 1:
        merge = (
            choose.one(["Add", "Concatenate", "Multiply", "Average", "Maximum", "Subtract"])
            if len(ends) == 2
            else choose.one(["Add", "Concatenate"])
        )
        steps.append(call("merged", f"keras.layers.{merge}", suffix=f"([{', '.join(ends)}])"))
    else:
        steps.append(Line("merged", f"merged = {ends[0]} * 2.0 + 1.0"))
    return with_outputs(choose, steps, names, shape, container)


def with_outputs(choose, steps, names, shape, container):
    given = choose.one(["one", "one", "list", "dict"])
    labels = ["p", "q"] if given != "one" else ["p"]
    for label, units in zip(labels, (2, 1)):
        keywords = {"name": f"'{label}'"} if given == "dict" or choose.maybe(0.4) else {}
        steps.append(
            call(
                label,
                "keras.layers.Dense",
                str(units),
                **keywords,
                **choose.arguments({"activation": ["'sigmoid'", "'softmax'"]}, 0.3),
                suffix="(merged)",
            )
        )
    outputs = packed(given, labels)
    used = packed(container, names)
    steps.append(call("model", "keras.Model", used, outputs, **choose.arguments({"name": ["'whole'"]}, 0.2)))
    keys = {"one": [None], "list": [0, 1], "dict": labels}[given]
    into = {"one": [None], "list": list(range(len(names))), "dict": names}[container]
    return Made(steps, dict.fromkeys(into, shape), dict(zip(keys, [(2,), (1,)])), container, given)


def packed(kind, names):
    if kind == "one":
        return names[0]
    return "[" + ", ".join(names) + "]" if kind == "list" else "{" + ", ".join(f"'{n}': {n}" for n in names) + "}"


def subclass(choose):
    given = choose.one(["array", "dict", "list"])
    steps = [
        Line("model", f"model = subclassed(keras, {choose.one(['2', '3'])}, '{given}')"),
        Line("", "model(np.zeros((1, 3), 'float32'))"),
    ]
    outputs = {None: (2,)} if given == "array" else dict(zip(["a", "b"] if given == "dict" else [0, 1], [(2,), (1,)]))
    return Made(steps, {None: (3,)}, outputs, given="one" if given == "array" else given)


def model(choose):
    return choose.one([sequential, sequential, functional, functional, functional, subclass])(choose)
