"""Floor 1: compiled loops on plain float32 memory. Nothing here knows of networks."""
