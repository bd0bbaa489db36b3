"""The functions of `keras.backend` in Keras 2: where each is, and what to use instead of those that have no meaning here."""

from __future__ import annotations

# The same name and arguments in keras.ops.
_OPS = """abs equal exp greater greater_equal less less_equal log max maximum min minimum not_equal prod reshape round sign sin cos
    square squeeze stack sum transpose sigmoid softplus softsign tanh binary_crossentropy categorical_crossentropy"""

_VALUES = """arange batch_get_value batch_set_value cast cast_to_floatx constant count_params dtype eye function get_value int_shape
    is_sparse moving_average_update ndim ones ones_like random_bernoulli random_normal random_normal_variable random_uniform
    random_uniform_variable set_value shape to_dense truncated_normal update update_add update_sub variable zeros zeros_like"""

_MATH = """all any argmax argmin batch_dot batch_flatten clip concatenate cumprod cumsum dot expand_dims flatten foldl foldr gather
    in_top_k l2_normalize map_fn mean one_hot permute_dimensions pow repeat repeat_elements reverse sqrt std stop_gradient switch
    tile var"""

_NN = """batch_normalization bias_add binary_focal_crossentropy categorical_focal_crossentropy conv1d conv2d_transpose
    ctc_batch_cost ctc_decode depthwise_conv2d dropout elu hard_sigmoid relu resize_images resize_volumes softmax
    sparse_categorical_crossentropy spatial_2d_padding spatial_3d_padding temporal_padding"""

# Under another name.
_RENAMED = {
    "conv2d": "utils.keras2.backend_nn:conv",
    "conv3d": "utils.keras2.backend_nn:conv",
    "eval": "utils.keras2.backend_values:get_value",
    "name_scope": "engine.naming:name_scope",
    "pool2d": "utils.keras2.backend_nn:pool",
    "pool3d": "utils.keras2.backend_nn:pool",
    "random_binomial": "utils.keras2.backend_values:random_bernoulli",
    "separable_conv2d": "ops:separable_conv",
}

_PHASE = "there is no learning phase: call model(x, training=True) or False, and give call() of a layer the argument `training`"
_SESSION = "there are no sessions: operations run at once, and tensor.numpy() has the values"

MISSING = {
    "ctc_label_dense_to_sparse": "there are no sparse tensors: ctc_batch_cost takes dense labels and their lengths",
    "get_session": _SESSION,
    "gradients": "there are no gradients of graphs: record the computation with keras.GradientTape and call tape.gradient(loss, variables)",
    "image_dim_ordering": "it is keras.backend.image_data_format() now",
    "in_train_phase": _PHASE,
    "in_test_phase": _PHASE,
    "learning_phase": _PHASE,
    "learning_phase_scope": _PHASE,
    "local_conv1d": "slice the windows and use keras.ops.einsum with a kernel for each place",
    "local_conv2d": "slice the windows and use keras.ops.einsum with a kernel for each place",
    "manual_variable_initialization": _SESSION,
    "normalize_batch_in_training": "use keras.ops.moments and keras.backend.batch_normalization",
    "placeholder": "there are no placeholders: use keras.Input(shape) for a symbolic tensor, or call the function on arrays",
    "print_tensor": "operations run at once: use print(tensor)",
    "reset_uids": "it is keras.backend.clear_session() now",
    "rnn": "write the loop over the steps with keras.ops.scan, or in Python over keras.ops.unstack(inputs, axis=1)",
    "set_image_dim_ordering": "it is keras.backend.set_image_data_format() now",
    "set_learning_phase": _PHASE,
    "set_session": _SESSION,
    "sparse": "there are no sparse tensors: use dense ones",
}


def names() -> dict[str, str]:
    """{name: "module:attribute"} of all that there is."""
    found = {n: f"ops:{n}" for n in _OPS.split()}
    for module, group in (("values", _VALUES), ("math", _MATH), ("nn", _NN)):
        found.update({n: f"utils.keras2.backend_{module}:{n}" for n in group.split()})
    return {**found, **_RENAMED}
