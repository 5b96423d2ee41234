{{ causal.unite_steps('actual', model.columns, ['monitoring']) }}
