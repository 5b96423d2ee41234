{{ causal.unite('balance', model.columns) }}
