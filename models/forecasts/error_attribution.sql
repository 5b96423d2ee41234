{{ causal.unite_steps('attribution', model.columns, ['monitoring']) }}
