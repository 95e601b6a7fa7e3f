"""Streamlit's search for components, which reads the metadata of every installed package."""

import functools

from streamlit.components.v2 import manifest_scanner


def scan_once() -> None:
    """Let each process search once: by default every server and every AppTest searches again."""
    scan = manifest_scanner.scan_component_manifests
    if not hasattr(scan, "cache_clear"):
        manifest_scanner.__dict__["scan_component_manifests"] = functools.cache(scan)
