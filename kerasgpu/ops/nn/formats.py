"""The data_format argument."""

from __future__ import annotations

from kerasgpu import config


def standardize_data_format(data_format) -> str:
    """`data_format` in lower case, the configured one for None; ValueError for anything else."""
    if data_format is None:
        return config.image_data_format()
    found = str(data_format).lower()
    if found not in ("channels_first", "channels_last"):
        raise ValueError(
            "The `data_format` argument must be one of {'channels_first', 'channels_last'}. "
            f"Received: data_format={data_format}"
        )
    return found
