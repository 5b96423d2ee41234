{{ causal.gated(ref('moderation_tool__results')) }}
