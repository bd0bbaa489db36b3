"""Optimizers and schedules against real Keras: values over ten steps, names of variables, configs, saved state."""

import numpy as np
import oracle
import pytest

import kerasgpu

keras = oracle.load()
pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore")]  # the warnings are those of Keras

SHAPES = {"kernel": (5, 7), "bias": (7,), "filters": (3, 3, 2, 4), "scale": ()}

CASES = [
    ("SGD", {"learning_rate": 0.1}),
    ("SGD", {"learning_rate": 0.1, "momentum": 0.9}),
    ("SGD", {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
    ("RMSprop", {"learning_rate": 0.01}),
    ("RMSprop", {"learning_rate": 0.01, "momentum": 0.5}),
    ("RMSprop", {"learning_rate": 0.01, "centered": True, "rho": 0.8}),
    ("RMSprop", {"learning_rate": 0.01, "centered": True, "momentum": 0.5}),
    ("Adam", {"learning_rate": 0.01}),
    ("Adam", {"learning_rate": 0.01, "amsgrad": True, "beta_2": 0.9, "weight_decay": 0.1}),
    ("AdamW", {"learning_rate": 0.01, "weight_decay": 0.05}),
    ("Adamax", {"learning_rate": 0.01}),
    ("Nadam", {"learning_rate": 0.01}),
    ("Adagrad", {"learning_rate": 0.1}),
    ("Adadelta", {"learning_rate": 1.0}),
    ("Ftrl", {"learning_rate": 0.1}),
    ("Ftrl", {"learning_rate": 0.1, "l1_regularization_strength": 0.1, "l2_regularization_strength": 0.2, "beta": 0.3}),
    ("Ftrl", {"learning_rate": 0.1, "learning_rate_power": -0.3, "l2_shrinkage_regularization_strength": 0.1}),
    ("Lion", {"learning_rate": 0.01}),
    ("Lamb", {"learning_rate": 0.01}),
    ("Adafactor", {"learning_rate": 0.1}),
    ("Adafactor", {"learning_rate": 0.5, "relative_step": False}),
    ("Muon", {"learning_rate": 0.01}),
    ("Muon", {"learning_rate": 0.01, "nesterov": False, "rms_rate": None, "exclude_layers": ["ker"]}),
    ("ScheduleFreeAdamW", {"learning_rate": 0.01}),
    ("ScheduleFreeAdamW", {"learning_rate": 0.01, "warmup_steps": 4, "weight_decay": 0.1}),
    # What the base class does, on an optimizer with state.
    ("Adam", {"learning_rate": 0.01, "clipnorm": 0.5}),
    ("Adam", {"learning_rate": 0.01, "clipvalue": 0.1}),
    ("Adam", {"learning_rate": 0.01, "global_clipnorm": 1.0}),
    ("Adam", {"learning_rate": 0.01, "loss_scale_factor": 8.0}),
    ("SGD", {"learning_rate": 0.1, "use_ema": True, "ema_momentum": 0.8}),
    ("SGD", {"learning_rate": 0.1, "use_ema": True, "ema_momentum": 0.8, "ema_overwrite_frequency": 3}),
    ("Adam", {"learning_rate": 0.01, "gradient_accumulation_steps": 3}),
    ("Nadam", {"learning_rate": 0.01, "gradient_accumulation_steps": 2, "global_clipnorm": 1.0}),
    ("SGD", {"learning_rate": 0.1, "momentum": 0.9, "gradient_accumulation_steps": 2, "use_ema": True, "weight_decay": 0.1}),
]


def ids(cases):
    return [name + "-" + ",".join(f"{k}={v}" for k, v in args.items() if k != "learning_rate") for name, args in cases]


def values(seed):
    rng = np.random.default_rng(seed)
    return {name: np.asarray(rng.normal(size=shape), "float32") for name, shape in SHAPES.items()}


def make(module, name, args):
    module.utils.clear_session() if hasattr(module, "utils") and module is keras else None
    optimizer = getattr(module.optimizers, name)(**args, name="opt")
    variables = [module.Variable(v, name=k) for k, v in values(0).items()]
    optimizer.build(variables)
    return optimizer, variables


def steps(module, optimizer, variables, count, first=0):
    for k in range(first, first + count):
        grads = [module.ops.convert_to_tensor(g) for g in values(k + 1).values()]
        optimizer.apply(grads, variables)


def compare(ours, theirs, our_variables, their_variables):
    for a, b in zip(our_variables, their_variables):
        oracle.close(a.numpy(), b.numpy(), what=b.path)
    assert len(ours.variables) == len(theirs.variables)
    for a, b in zip(ours.variables, theirs.variables):
        oracle.close(a.numpy(), b.numpy(), rtol=2e-5, what=b.path)
        assert a.dtype == b.dtype


@pytest.mark.parametrize("name,args", CASES, ids=ids(CASES))
def test_ten_steps(name, args):
    """With one kernel for all variables, and composed of operations."""
    theirs, their_variables = make(keras, name, args)
    steps(keras, theirs, their_variables, 10)
    pairs = []
    for fused in (True, False):
        ours, our_variables = make(kerasgpu, name, args)
        if not fused:
            ours.__dict__["_fused"] = None
        # Variables that Keras makes outside of its name scope get automatic names.
        assert [v.path.split("/")[-1] for v in ours.variables if "variable" not in v.path] == [
            v.path.split("/")[-1] for v in theirs.variables if "variable" not in v.path
        ]
        steps(kerasgpu, ours, our_variables, 10)
        compare(ours, theirs, our_variables, their_variables)
        pairs.append((ours, our_variables))
    if args.get("use_ema"):
        theirs.finalize_variable_values(their_variables)
        for ours, our_variables in pairs:
            ours.finalize_variable_values(our_variables)
            compare(ours, theirs, our_variables, their_variables)


@pytest.mark.parametrize("name,args", CASES, ids=ids(CASES))
def test_config_loads_in_keras_and_back(name, args):
    ours, _ = make(kerasgpu, name, args)
    theirs, _ = make(keras, name, args)
    assert oracle.plain(ours.get_config()) == oracle.plain(theirs.get_config())
    assert oracle.plain(kerasgpu.optimizers.serialize(ours)) == oracle.plain(keras.optimizers.serialize(theirs))
    # keras.optimizers.deserialize does not know Lamb.
    moved = keras.saving.deserialize_keras_object(oracle.plain(kerasgpu.optimizers.serialize(ours)))
    assert oracle.plain(moved.get_config()) == oracle.plain(theirs.get_config())
    back = kerasgpu.optimizers.deserialize(oracle.plain(keras.optimizers.serialize(theirs)))
    assert oracle.plain(back.get_config()) == oracle.plain(ours.get_config())


@pytest.mark.parametrize("name,args", [c for c in CASES if len(c[1]) == 1], ids=ids([c for c in CASES if len(c[1]) == 1]))
def test_state_moves_to_keras_and_back(name, args):
    ours, our_variables = make(kerasgpu, name, args)
    theirs, their_variables = make(keras, name, args)
    steps(kerasgpu, ours, our_variables, 3)
    store: dict = {}
    ours.save_own_variables(store)
    theirs.load_own_variables(store)
    for a, b in zip(our_variables, their_variables):
        b.assign(a.numpy())
    steps(kerasgpu, ours, our_variables, 3, first=3)
    steps(keras, theirs, their_variables, 3, first=3)
    compare(ours, theirs, our_variables, their_variables)
    store = {}
    theirs.save_own_variables(store)
    ours.load_own_variables(store)
    assert int(ours.iterations) == 6


SCHEDULES = [
    ("ExponentialDecay", {"initial_learning_rate": 0.5, "decay_steps": 4, "decay_rate": 0.7}),
    ("ExponentialDecay", {"initial_learning_rate": 0.5, "decay_steps": 4, "decay_rate": 0.7, "staircase": True}),
    ("InverseTimeDecay", {"initial_learning_rate": 0.5, "decay_steps": 4, "decay_rate": 0.7}),
    ("InverseTimeDecay", {"initial_learning_rate": 0.5, "decay_steps": 4, "decay_rate": 0.7, "staircase": True}),
    ("PolynomialDecay", {"initial_learning_rate": 0.5, "decay_steps": 6, "power": 2.0}),
    ("PolynomialDecay", {"initial_learning_rate": 0.5, "decay_steps": 6, "end_learning_rate": 0.1, "cycle": True}),
    ("PiecewiseConstantDecay", {"boundaries": [3, 7], "values": [0.5, 0.2, 0.1]}),
    ("CosineDecay", {"initial_learning_rate": 0.5, "decay_steps": 8, "alpha": 0.1}),
    ("CosineDecay", {"initial_learning_rate": 0.1, "decay_steps": 8, "warmup_target": 0.5, "warmup_steps": 4}),
    ("CosineDecayRestarts", {"initial_learning_rate": 0.5, "first_decay_steps": 3, "m_mul": 0.8, "alpha": 0.1}),
    ("CosineDecayRestarts", {"initial_learning_rate": 0.5, "first_decay_steps": 3, "t_mul": 1.0}),
]


@pytest.mark.parametrize("name,args", SCHEDULES, ids=ids(SCHEDULES))
def test_schedules(name, args):
    ours = getattr(kerasgpu.optimizers.schedules, name)(**args)
    theirs = getattr(keras.optimizers.schedules, name)(**args)
    for step in range(20):
        oracle.close(ours(step), theirs(step), what=f"step {step}", rtol=2e-5)
    assert ours.get_config() == theirs.get_config()
    config = oracle.plain(kerasgpu.optimizers.schedules.serialize(ours))
    assert keras.optimizers.schedules.deserialize(config).get_config() == theirs.get_config()
    a, our_variables = make(kerasgpu, "Adam", {"learning_rate": ours})
    b, their_variables = make(keras, "Adam", {"learning_rate": theirs})
    steps(kerasgpu, a, our_variables, 5)
    steps(keras, b, their_variables, 5)
    compare(a, b, our_variables, their_variables)
    assert oracle.plain(kerasgpu.optimizers.serialize(a)) == oracle.plain(keras.optimizers.serialize(b))


def test_loss_scale():
    pair = []
    for module in (kerasgpu, keras):
        optimizer = module.optimizers.LossScaleOptimizer(
            module.optimizers.Adam(0.01, name="inner"), initial_scale=16.0, dynamic_growth_steps=3, name="opt"
        )
        variables = [module.Variable(v, name=k) for k, v in values(0).items()]
        optimizer.build(variables)
        weights, state = [v.value for v in variables], [v.value for v in optimizer.variables]
        for step in range(10):
            grads = [g.copy() for g in values(step + 1).values()]
            if step in (2, 7):
                grads[0][0, 0] = np.inf if step == 2 else np.nan
            grads = [module.ops.convert_to_tensor(g) for g in grads]
            if module is kerasgpu:
                optimizer.apply(grads, variables)
            else:  # Keras on JAX has the stateless form only
                weights, state = optimizer.stateless_apply(state, grads, weights)
        if module is kerasgpu:
            weights, state = [v.value for v in variables], [v.value for v in optimizer.variables]
        pair.append((optimizer, weights, state))
    (ours, our_weights, our_state), (theirs, their_weights, their_state) = pair
    assert [v.path for v in ours.variables] == [v.path for v in theirs.variables]
    for a, b in zip(our_weights + our_state, their_weights + their_state):
        oracle.close(np.asarray(a), np.asarray(b), rtol=2e-5)
    assert oracle.plain(kerasgpu.optimizers.serialize(ours)) == oracle.plain(keras.optimizers.serialize(theirs))


def test_multi_optimizer():
    pair = []
    for module in (kerasgpu, keras):
        chosen = module.optimizers.OptimizerMap(module.optimizers.Adam(0.01, name="a"))
        chosen["bias|scale"] = module.optimizers.SGD(0.1, momentum=0.9, name="b")
        optimizer = module.optimizers.MultiOptimizer(chosen, name="opt")
        variables = [module.Variable(v, name=k) for k, v in values(0).items()]
        optimizer.build(variables)
        steps(module, optimizer, variables, 5)
        pair.append((optimizer, variables))
    (ours, our_variables), (theirs, their_variables) = pair
    compare(ours, theirs, our_variables, their_variables)
    assert oracle.plain(kerasgpu.optimizers.serialize(ours)) == oracle.plain(keras.optimizers.serialize(theirs))


def test_public_names_and_signatures():
    import inspect

    for namespace in ("optimizers", "optimizers.schedules", "losses", "metrics", "regularizers", "constraints"):
        ours, theirs = kerasgpu, keras
        for part in namespace.split("."):
            ours, theirs = getattr(ours, part), getattr(theirs, part)
        for name in dir(theirs):
            if name.startswith("_") or inspect.ismodule(getattr(theirs, name)):
                continue
            assert hasattr(ours, name), f"keras.{namespace}.{name} is missing"
            a, b = (inspect.signature(getattr(m, name)) for m in (ours, theirs))
            assert str(a) == str(b) or name == "Optimizer", f"keras.{namespace}.{name}: {a}, Keras has {b}"
