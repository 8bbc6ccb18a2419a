"""The report: one HTML page on a model and a table, which needs nothing but itself."""
