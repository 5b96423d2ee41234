"""One estimator a file; each is a `Method` in two stages (see `estimators.effects.method`)."""
