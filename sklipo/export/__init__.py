"""Models that leave Python, or that are opened without running what they bring."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submod_attrs={
        "_conversion": ["OnnxExport"],
        "onnx_files": ["to_onnx"],
    },
)
