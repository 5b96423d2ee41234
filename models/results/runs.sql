{{ causal.unite('run', model.columns) }}
