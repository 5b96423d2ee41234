{{ causal.series_table(
    cohort=ref('tobacco_programme__cohort'),
    features=[ref('feat_cigarette_sales')]
) }}
