"""Terms of a loss; at weight 1 each is a negative log-likelihood: fit, agreement with experiments, pooling, steps."""
