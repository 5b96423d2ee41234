{{ causal.plan_records('replanned', model.columns, ['stability'], ref('plan_status')) }}
