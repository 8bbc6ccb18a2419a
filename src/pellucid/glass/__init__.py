"""Floor 5: looking inside: neurons, synapses, traces."""
