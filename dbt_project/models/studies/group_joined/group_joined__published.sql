{{ causal.gated(ref('group_joined__results')) }}
