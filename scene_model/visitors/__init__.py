"""Shared mode: visitors with a private library each, identified by a signed cookie."""
