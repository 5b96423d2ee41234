{{ causal.unite('check', model.columns) }}
