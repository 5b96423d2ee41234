{{ causal.unite_plan_steps(ref('plan_status'), 'replanned', model.columns, ['stability']) }}
