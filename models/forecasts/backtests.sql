{{ causal.unite_steps('score', model.columns, ['backtest']) }}
