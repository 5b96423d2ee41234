{{ causal.unite_plan_steps(ref('plan_status'), 'candidate', model.columns, ['next_experiment']) }}
