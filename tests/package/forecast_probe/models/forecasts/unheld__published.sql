{{ causal.gated_plan(plan=ref('unheld__plan'), consistency=ref('unheld__consistency')) }}
