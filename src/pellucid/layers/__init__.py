"""Floor 4: one file a layer: its shape rule, its parameters, and how it is lowered to kernels."""
