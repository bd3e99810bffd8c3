"""Models that leave Python, or that are opened without running what they bring."""

from ._graphs.conversion import OnnxExport
from .html_pages import to_html
from .onnx_files import to_onnx
from .saving import load_model, save_model, trusted_types

__all__ = [
    "OnnxExport",
    "load_model",
    "save_model",
    "to_html",
    "to_onnx",
    "trusted_types",
]
