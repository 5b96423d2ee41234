{{ causal.study_table(
    cohort=ref('college_returns__cohort'),
    features=[ref('feat_young_men'), ref('feat_wages')]
) }}
