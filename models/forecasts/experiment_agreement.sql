{{ causal.unite_steps('agreement', model.columns, ['consistency']) }}
