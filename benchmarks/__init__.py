"""Benchmarks. Where there is a reference, both run in turns so that other load affects both."""
