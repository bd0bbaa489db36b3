"""Programs of a model are shared by its runners: none may see another's data, or keep it alive."""

import gc
import threading
import weakref

import numpy as np

import kerasgpu as keras
from kerasgpu import layers
from kerasgpu.engine import jit
from kerasgpu.engine.program import Program


def make():
    keras.utils.set_random_seed(3)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, activation="relu"), keras.layers.Dense(1)])
    model.compile("adam", "mse", metrics=["mae"])
    return model


def data(seed, n=70):
    x = np.random.default_rng(seed).normal(size=(n, 4)).astype("float32")
    return x, x.sum(1, keepdims=True) * seed


def programs(model):
    return [p for steps in model._programs.values() for p in getattr(steps, "by_size", {}).values() if isinstance(p, Program)]


def test_evaluate_in_a_callback_does_not_disturb_validation():
    class Evaluate(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.evaluate(*data(9), verbose=0)  # the shapes of the validation data

    with_callback, without = make(), make()
    arguments = dict(validation_data=data(2), epochs=5, batch_size=16, verbose=0, shuffle=False)
    one = with_callback.fit(*data(1), callbacks=[Evaluate()], **arguments)
    two = without.fit(*data(1), **arguments)
    assert one.history == two.history
    assert programs(without)


def test_captured_and_eager_training_give_the_same_bits():
    histories = []
    for eager in (False, True):
        model = make()
        model.run_eagerly = eager
        histories.append(model.fit(*data(1), validation_data=data(2), epochs=4, batch_size=16, verbose=0).history)
        histories.append(model.predict(data(3)[0], verbose=0).tolist())
    assert histories[:2] == histories[2:]


def test_arrays_are_not_kept_after_use():
    model = make()
    x, y = data(1)
    for _ in range(3):
        model.fit(x, y, verbose=0, batch_size=16)
        predictions = model.predict(x, verbose=0, batch_size=16)
    assert programs(model)
    gone = [weakref.ref(x), weakref.ref(y), weakref.ref(predictions)]
    del x, y, predictions
    gc.collect()
    assert [r() for r in gone] == [None, None, None]
    assert np.isfinite(model.predict(data(1)[0], verbose=0)).all()


def test_earlier_predictions_stay():
    model = make()
    first = [model.predict(data(k)[0], verbose=0) for k in range(4)]
    kept = [p.copy() for p in first]
    model.predict(data(9)[0], verbose=0)
    for p, k in zip(first, kept):
        np.testing.assert_array_equal(p, k)


def _small():
    keras.utils.set_random_seed(3)
    model = keras.Sequential([keras.Input((5,)), layers.Dense(8, activation="relu"), layers.Dropout(0.5), layers.Dense(1)])
    model.compile("adam", "mse", metrics=["mae"])
    return model


def test_batches_from_a_generator_give_the_bits_of_arrays():
    x, y = np.random.default_rng(0).random((22, 5), "float32"), np.zeros((22, 1), "float32")
    batches = [(x[k : k + 4], y[k : k + 4]) for k in range(0, 22, 4)]  # the last one has two rows
    weights = []
    for eagerly in (False, True):
        from_arrays, from_batches, one_by_one = _small(), _small(), _small()
        for model in (from_arrays, from_batches, one_by_one):
            model.run_eagerly = eagerly
        from_arrays.fit(x, y, batch_size=4, epochs=3, shuffle=False, verbose=0)
        from_batches.fit((b for _ in range(3) for b in batches), steps_per_epoch=6, epochs=3, shuffle=False, verbose=0)
        for _ in range(3):
            for b in batches:
                one_by_one.train_on_batch(*b)
        weights += [model.get_weights() for model in (from_arrays, from_batches, one_by_one)]
    for other in weights[1:]:
        for a, b in zip(weights[0], other):
            np.testing.assert_array_equal(a, b)


def test_ever_new_batch_sizes_keep_a_bounded_number_of_programs():
    model = _small()
    for rows in range(1, 50):
        for _ in range(2):
            model.predict_on_batch(np.ones((rows, 5), "float32"))
    functions = [f for f in model._programs.values() if isinstance(f, jit.CapturedFunction)]
    assert sum(len(f._seen) for f in functions) <= jit.MAX_PROGRAMS


def test_a_frozen_layer_is_seen_by_train_on_batch():
    model, x = _small(), np.ones((4, 5), "float32")
    for _ in range(3):
        model.train_on_batch(x, x[:, :1])
    model.layers[0].trainable = False
    model.compile("adam", "mse")
    before = model.layers[0].get_weights()[0].copy()
    for _ in range(3):
        model.train_on_batch(x, x[:, :1])
    np.testing.assert_array_equal(before, model.layers[0].get_weights()[0])


def test_a_batch_is_not_kept_after_its_step():
    model, x = _small(), np.ones((4, 5), "float32")
    for _ in range(4):
        x = np.ones((4, 5), "float32")
        model.predict_on_batch(x)
    gone = weakref.ref(x)
    del x
    assert gone() is None


def test_threads_that_share_a_model_get_the_answers_of_one():
    model = _small()
    inputs = [np.random.default_rng(k).random((50, 5), "float32") for k in range(4)]
    expected = [model.predict(x, batch_size=16, verbose=0) for x in inputs]
    wrong = []

    def serve(k):
        for turn in range(30):
            answer = model.predict(inputs[k], batch_size=16, verbose=0) if turn % 2 else model.predict_on_batch(inputs[k])
            if not np.array_equal(answer, expected[k]):
                wrong.append((k, turn))

    threads = [threading.Thread(target=serve, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
