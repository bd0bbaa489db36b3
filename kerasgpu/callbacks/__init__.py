"""keras.callbacks."""

import importlib

from kerasgpu import missing
from kerasgpu.callbacks.callback import Callback
from kerasgpu.callbacks.callback_list import CallbackList
from kerasgpu.callbacks.csv_logger import CSVLogger
from kerasgpu.callbacks.early_stopping import EarlyStopping
from kerasgpu.callbacks.history import History
from kerasgpu.callbacks.lambda_callback import LambdaCallback
from kerasgpu.callbacks.learning_rate import LearningRateScheduler, ReduceLROnPlateau
from kerasgpu.callbacks.model_checkpoint import ModelCheckpoint
from kerasgpu.callbacks.monitor_callback import MonitorCallback
from kerasgpu.callbacks.progbar_logger import ProgbarLogger
from kerasgpu.callbacks.remote_monitor import RemoteMonitor
from kerasgpu.callbacks.swap_ema_weights import SwapEMAWeights
from kerasgpu.callbacks.tensorboard import TensorBoard
from kerasgpu.callbacks.terminate_on_nan import TerminateOnNaN

__all__ = [
    "BackupAndRestore",
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "MonitorCallback",
    "ProgbarLogger",
    "ReduceLROnPlateau",
    "RemoteMonitor",
    "SwapEMAWeights",
    "TensorBoard",
    "TerminateOnNaN",
]

_absent = missing.names(
    __name__,
    {"OrbaxCheckpoint": "use keras.callbacks.ModelCheckpoint, or BackupAndRestore to continue after an interruption"},
)


def __getattr__(name):
    if name == "BackupAndRestore":  # with all that reads and writes files
        return importlib.import_module("kerasgpu.callbacks.backup_and_restore").BackupAndRestore
    return _absent(name)
