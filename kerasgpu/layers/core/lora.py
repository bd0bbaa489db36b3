"""Low-rank adaptation (Hu et al. 2021, https://arxiv.org/abs/2106.09685): W + (alpha / rank) A B with W frozen."""

from __future__ import annotations

from kerasgpu import initializers, ops


class LoraWeight:
    """Mixin of layers with one large weight, stored as `_<name>` and read, with the low-rank update, as the property `<name>`.

    A layer sets `_lora_target` ("kernel" or "embeddings"), `lora_rank`, `lora_alpha` and `lora_enabled`.
    """

    _lora_target = "kernel"
    _lora_transposed = False  # which of the two factors starts at zero

    def _lora_names(self):
        return f"lora_{self._lora_target}_a", f"lora_{self._lora_target}_b"

    def _lora_shapes(self, weight_shape, rank):
        return (*weight_shape[:-1], rank), (rank, weight_shape[-1])

    def _weight(self):
        return getattr(self, f"_{self._lora_target}")

    def _effective_weight(self):
        if not self.built:
            raise AttributeError(f"You must build the layer before accessing `{self._lora_target}`.")
        weight = self._weight()
        if not self.lora_enabled:
            return weight
        a, b = (getattr(self, name) for name in self._lora_names())
        update = ops.matmul(a, b)
        return ops.cast(ops.add(weight, (self.lora_alpha / self.lora_rank) * update), self.compute_dtype)

    def enable_lora(self, rank, lora_alpha=None, a_initializer="he_uniform", b_initializer="zeros"):
        """Freeze the weight and add two trainable factors of this rank; `lora_alpha` (default: rank) scales their product.

        Raises ValueError for a layer that is not built, has a constraint on the weight, or has LoRA already.
        """
        target = self._lora_target
        if getattr(self, f"{target}_constraint"):
            raise ValueError(
                f"Lora is incompatible with {target} constraints. In order to enable lora on this layer, remove the "
                f"`{target}_constraint` argument."
            )
        if not self.built:
            raise ValueError("Cannot enable lora on a layer that isn't yet built.")
        if self.lora_enabled:
            raise ValueError("lora is already enabled. This can only be done once per layer.")
        regularizer = getattr(self, f"{target}_regularizer")
        weight = self._weight()
        self._tracker.unlock()
        try:
            pairs = zip(self._lora_names(), self._lora_shapes(weight.shape, rank), (a_initializer, b_initializer))
            for name, shape, initializer in pairs:
                made = self.add_weight(
                    name=name, shape=shape, initializer=initializers.get(initializer), dtype="float32", regularizer=regularizer
                )
                setattr(self, name, made)
            weight.trainable = False
        finally:
            self._tracker.lock()
        self.lora_enabled = True
        self.lora_rank = rank
        self.lora_alpha = lora_alpha if lora_alpha is not None else rank

    def _lora_config(self):
        return {"lora_rank": self.lora_rank, "lora_alpha": self.lora_alpha} if self.lora_rank else {}

    def _saved_variables(self):
        bias = getattr(self, "bias", None)
        return [self._weight()] + ([bias] if bias is not None else [])

    def save_own_variables(self, store):
        """The weight with its low-rank update merged in, then the bias."""
        if not self.built:
            return
        for k, v in enumerate(self._saved_variables()):
            store[str(k)] = self._effective_weight() if k == 0 and self.lora_enabled else v

    def load_own_variables(self, store):
        if not self.lora_enabled:
            self._check_load_own_variables(store)
        if not self.built:
            return
        for k, v in enumerate(self._saved_variables()):
            v.assign(store[str(k)])
        if self.lora_enabled:
            for name in self._lora_names():
                factor = getattr(self, name)
                factor.assign(ops.zeros(factor.shape))


def check_quantization_config(layer, quantization_config):
    """Accept the argument of Keras's constructors; None is the only value that works."""
    if quantization_config is not None:
        layer.quantize(quantization_config)
