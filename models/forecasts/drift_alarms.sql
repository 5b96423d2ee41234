{{ causal.unite_steps('drift', model.columns, ['monitoring']) }}
