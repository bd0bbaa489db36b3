"""On PYTHONPATH, with KERASGPU_CORE set: every Python process takes kerasgpu._core from that file (built with a sanitizer)."""

import importlib.util
import os
import sys

if os.environ.get("KERASGPU_CORE"):
    spec = importlib.util.spec_from_file_location("kerasgpu._core", os.environ["KERASGPU_CORE"])
    module = importlib.util.module_from_spec(spec)
    sys.modules["kerasgpu._core"] = module
    spec.loader.exec_module(module)
