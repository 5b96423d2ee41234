{{ causal.panel_table(
    cohort=ref('live_rooms__cohort'),
    features=[ref('feat_replies')]
) }}
