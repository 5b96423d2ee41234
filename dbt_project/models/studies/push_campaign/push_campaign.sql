{{ causal.study_table(
    cohort=ref('push_campaign__cohort'),
    features=[ref('feat_sessions'), ref('feat_messages'), ref('feat_accounts')]
) }}
