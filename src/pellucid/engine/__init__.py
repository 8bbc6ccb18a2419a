"""Floor 2: a network's numbers in one block, its step as a table of kernels, and what runs it.

A network is data to the engine: nothing here knows of layers by name.
"""
