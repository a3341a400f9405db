"""Deployment jobs and their runs."""
