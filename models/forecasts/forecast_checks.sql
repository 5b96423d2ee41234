{{ causal.unite_steps(
    'check', model.columns,
    ['fit', 'forecast', 'backtest', 'consistency', 'plan', 'regret', 'sensitivity', 'monitoring', 'next_experiment']
) }}
