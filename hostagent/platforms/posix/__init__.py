"""Linux, and what is like it."""
