{{ causal.plan_records('constraint', model.columns, ['plan'], ref('plan_status')) }}
