{{ causal.panel_table(
    cohort=ref('shared_discount__cohort'),
    features=[ref('feat_zone_requests')]
) }}
