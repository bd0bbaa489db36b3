"""What is done to a model beside training: saved, loaded by the other library, cloned, taken apart, frozen, trained again."""

from tests.differential.steps import Line

# `here` is the folder this library writes to, `there` the one the other wrote to.
KERAS_FILE = ["model.save(here + '/m.keras')", "model = keras.saving.load_model(there + '/m.keras')"]
WEIGHTS = ["model.save_weights(here + '/m.weights.h5')", "spread(model, 5)", "model.load_weights(there + '/m.weights.h5')"]
H5_FILE = ["model.save(here + '/m.h5')", "model = keras.saving.load_model(there + '/m.h5')"]
CLONE = ["model = keras.models.clone_model(model)", "spread(model, 6)"]
CONFIG = ["c = model.get_config()", "model = type(model).from_config(c)", "spread(model, 7)"]
JSON = ["text = model.to_json()", "model = keras.models.model_from_json(text)", "spread(model, 8)"]
FREEZE = ["model.trainable = False"]
THAW = ["model.trainable = True"]
FREEZE_ONE = ["model.layers[-1].trainable = False"]
EVALUATE = ["e = model.evaluate(x, y, verbose=0, return_dict=True)"]
EVALUATE_ODD = ["e = model.evaluate(x, y, batch_size=5, verbose=0)"]
BATCH = ["r = model.train_on_batch(x, y)"]
BATCH_DICT = ["r = model.train_on_batch(x, y, return_dict=True)", "t = model.test_on_batch(x, y, return_dict=True)"]
PREDICT = ["p = model.predict(x, batch_size=3, verbose=0)", "p = model.predict(x, steps=1, batch_size=4, verbose=0)"]
CALL = ["p = keras.tree.map_structure(keras.ops.convert_to_numpy, model(x, training=False))"]
RATE = ["model.optimizer.learning_rate = 0.01"]
POP = ["model.pop()", "n = len(model.layers)", "model.add(keras.layers.Dense(2))", "spread(model, 9)"]
SUB = ["part = keras.Model(model.inputs, model.layers[-2].output)", "p = part.predict(x, verbose=0)"]
TRAINABLE = ["n = [len(model.trainable_weights), len(model.non_trainable_weights), model.count_params()]"]
NAMES = ["n = [layer.name for layer in model.layers]"]
SHAPES = ["n = [model.input_shape, model.output_shape]"]
PATHS = ["n = [v.path for v in model.weights]"]
OPTIMIZER = [
    "n = float(keras.ops.convert_to_numpy(model.optimizer.learning_rate))",
    "n = int(keras.ops.convert_to_numpy(model.optimizer.iterations))",
]
OPTIMIZER_CONFIG = ["c = model.optimizer.get_config()", "n = len(model.optimizer.variables)"]
COMPILE_CONFIG = ["c = model.get_compile_config()"]
LOSSES = ["n = [float(keras.ops.convert_to_numpy(v)) for v in model.losses]"]
METRIC_NAMES = ["n = model.metrics_names"]
STATE = ["s = model.get_state_tree(value_format='numpy_array')", "model.set_state_tree(s)"]
COMPILE_LOADED = ["model.save(here + '/n.keras')", "model = keras.saving.load_model(there + '/n.keras', compile=False)"]
KINDS = [KERAS_FILE, KERAS_FILE, WEIGHTS, H5_FILE, CLONE, CONFIG, JSON, FREEZE, THAW, FREEZE_ONE, EVALUATE, EVALUATE_ODD, BATCH, BATCH_DICT, PREDICT, CALL, RATE, POP, SUB,
         TRAINABLE, NAMES, SHAPES, PATHS, OPTIMIZER, OPTIMIZER_CONFIG, COMPILE_CONFIG, LOSSES, METRIC_NAMES, COMPILE_LOADED]  # fmt: skip


def operation(choose):
    return [
        Line(
            text.split(" = ")[0]
            if text[:6] in ("model ", "part =") or text[1:4] == " = " or text.startswith("text = ")
            else "",
            text,
        )
        for text in choose.one(KINDS)
    ]
