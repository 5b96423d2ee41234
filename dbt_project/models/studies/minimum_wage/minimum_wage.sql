{{ causal.panel_table(
    cohort=ref('minimum_wage__cohort'),
    features=[ref('feat_county_population'), ref('feat_teen_employment')]
) }}
