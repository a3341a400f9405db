"""What must hold under faults: processes are killed at random, and nothing is lost or doubled. `make chaos`."""
