{{ causal.unite_steps(
    'check', model.columns,
    ['fit', 'forecast', 'backtest', 'consistency', 'plan', 'regret', 'sensitivity', 'stability', 'monitoring', 'next_experiment']
) }}
