{{ causal.gated_plan(
    plan=ref('marketplace_without_experiments__plan'),
    consistency=ref('marketplace_without_experiments__consistency')
) }}
