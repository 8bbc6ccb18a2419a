"""Training times of pellucid and its peers, measured side by side."""
