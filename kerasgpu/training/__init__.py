"""compile, fit, evaluate, predict: the `Trainer` half of a model, and how data reaches it."""
