"""What embedders by message passing are made of: sampled neighbourhoods, layers, features."""
