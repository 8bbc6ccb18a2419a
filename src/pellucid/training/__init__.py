"""Floor 5: training, which works on a plan, an arena and names, and need not know a network."""
