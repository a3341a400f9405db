"""Schedulers that are killed while simulated months pass."""
