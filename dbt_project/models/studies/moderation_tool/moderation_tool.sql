{{ causal.panel_table(
    cohort=ref('moderation_tool__cohort'),
    features=[ref('feat_posts')]
) }}
