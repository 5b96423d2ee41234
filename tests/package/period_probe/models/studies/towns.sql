{{ causal.series_table(cohort=ref('towns__cohort'), features=[ref('feat_orders')]) }}
