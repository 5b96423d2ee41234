{{ causal.unite_plan_steps(ref('plan_status'), 'constraint', model.columns, ['plan']) }}
