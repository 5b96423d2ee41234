{{ causal.study_table(
    cohort=ref('group_joined__cohort'),
    features=[ref('feat_sessions'), ref('feat_messages'), ref('feat_accounts')]
) }}
