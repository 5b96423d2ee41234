{{ causal.gated(ref('live_rooms__results')) }}
