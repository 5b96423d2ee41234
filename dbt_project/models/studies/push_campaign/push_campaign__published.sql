{{ causal.gated(ref('push_campaign__results')) }}
