{{ causal.unite_steps('derivative', model.columns, ['forecast']) }}
