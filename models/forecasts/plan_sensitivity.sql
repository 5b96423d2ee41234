{{ causal.unite_plan_steps(ref('plan_status'), 'sensitivity', model.columns, ['sensitivity']) }}
