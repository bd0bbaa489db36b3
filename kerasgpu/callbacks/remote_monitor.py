"""RemoteMonitor: post the logs of each epoch to a server."""

from __future__ import annotations

import json
import warnings

import numpy as np

from kerasgpu.callbacks.callback import Callback


class RemoteMonitor(Callback):
    """Sends {"epoch": ..., logs...} by HTTP POST at the end of each epoch. Needs the package `requests`.

    Args:
        root, path: address, joined.
        field: name of the form field that holds the JSON text; not used with send_as_json.
        headers: dict of HTTP headers.
        send_as_json: send as "application/json" instead of a form.
    """

    def __init__(
        self, root="http://localhost:9000", path="/publish/epoch/end/", field="data", headers=None, send_as_json=False
    ):
        super().__init__()
        self.root = root
        self.path = path
        self.field = field
        self.headers = headers
        self.send_as_json = send_as_json

    def on_epoch_end(self, epoch, logs=None):
        try:
            import requests
        except ImportError:
            raise ImportError("RemoteMonitor requires the `requests` library: pip install requests") from None
        message = {"epoch": epoch}
        for name, value in (logs or {}).items():
            message[name] = value.item() if isinstance(value, (np.ndarray, np.generic)) else value
        try:
            if self.send_as_json:
                requests.post(self.root + self.path, json=message, headers=self.headers)
            else:
                requests.post(self.root + self.path, {self.field: json.dumps(message)}, headers=self.headers)
        except requests.exceptions.RequestException:
            warnings.warn(f"Could not reach RemoteMonitor root server at {self.root}", stacklevel=2)
