{{ causal.unite('advice', model.columns) }}
