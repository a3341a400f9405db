"""The processes of a whole service, its servers and its agents, killed while they work."""
