select
    user_id,
    event_at,
    amount,
    kind
from {{ source('raw', 'events') }}
