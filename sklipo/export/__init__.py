"""Models that leave Python, or that are opened without running what they bring."""

from ._conversion import OnnxExport
from .onnx_files import to_onnx

__all__ = [
    "OnnxExport",
    "to_onnx",
]
