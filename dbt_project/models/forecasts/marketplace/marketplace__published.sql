{{ causal.gated_plan(plan=ref('marketplace__plan'), consistency=ref('marketplace__consistency')) }}
