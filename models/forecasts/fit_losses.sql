{{ causal.unite_steps('loss', model.columns, ['fit']) }}
