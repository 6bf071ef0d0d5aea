"""What embedders in hyperbolic space are made of: training, tree layouts, queries."""
