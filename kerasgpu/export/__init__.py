"""keras.export: not there yet; the names say what to do instead."""

from kerasgpu import missing

__getattr__ = missing.names(
    __name__,
    {
        "ExportArchive": "it writes a TensorFlow SavedModel, which kerasgpu does not; save with model.save('model.keras'), which real "
        "Keras reads and can export"
    },
)
