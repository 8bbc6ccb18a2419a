"""Whether cost grows in proportion: rows, width, depth, batch, one at a time; and memory."""
