"""The contract of a deployment job, tested from its text alone: over HTTP, without a look into the code."""
