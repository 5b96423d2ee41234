{{ causal.plan_records('candidate', model.columns, ['next_experiment'], ref('plan_status')) }}
