{{ causal.unite_steps('regret', model.columns, ['regret']) }}
