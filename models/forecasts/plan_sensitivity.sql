{{ causal.plan_records('sensitivity', model.columns, ['sensitivity'], ref('plan_status')) }}
