"""Trips as rows: which photo is in which, and what people change about them."""
