"""What embedders share: random walks, and how vectors are trained on them."""
