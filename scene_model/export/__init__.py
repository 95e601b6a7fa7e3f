"""Exports: tables (CSV, JSON), ZIP archives, XMP sidecars, data sets, and sorted folders."""
