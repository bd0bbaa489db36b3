"""What `Model.compile` makes of its losses and metrics."""

from kerasgpu.training.compile_loss import CompileLoss, get_loss
from kerasgpu.training.compile_metrics import CompileMetrics, MetricsList, get_metric

__all__ = ["CompileLoss", "CompileMetrics", "MetricsList", "get_loss", "get_metric"]
