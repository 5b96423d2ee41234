{{ causal.unite('overlap', model.columns) }}
