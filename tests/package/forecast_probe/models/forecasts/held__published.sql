{{ causal.gated_plan(plan=ref('held__plan'), consistency=ref('held__consistency')) }}
