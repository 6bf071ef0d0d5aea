"""What embedders by factorisation are made of: operators, eigenvectors, singular vectors."""
