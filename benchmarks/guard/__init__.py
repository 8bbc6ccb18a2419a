"""Instruction counts of fixed workloads: they do not know what else the machine does."""
