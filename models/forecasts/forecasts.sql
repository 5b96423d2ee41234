{{ causal.unite_steps('forecast', model.columns, ['forecast']) }}
