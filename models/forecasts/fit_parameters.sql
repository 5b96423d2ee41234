{{ causal.unite_steps('parameter', model.columns, ['fit']) }}
