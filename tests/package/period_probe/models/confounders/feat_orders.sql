with orders (buyer, ordered_at, recorded_at, shop, spend) as (
  values
  -- buyer 1 is treated at 2024-03-15 12:00; the periods are February, March and April 2024
  (1, timestamp '2024-01-31 23:59:59.999999', timestamp '2024-01-31 23:59:59.999999', 'a', 1.0),
  (1, timestamp '2024-02-01 00:00:00', timestamp '2024-02-01 00:00:00', 'a', 2.0),
  (1, timestamp '2024-02-29 23:59:59.999999', timestamp '2024-03-01 00:00:00', 'b', 3.0),
  (1, timestamp '2024-03-01 00:00:00', timestamp '2024-03-01 00:00:00', 'a', 4.0),
  (1, timestamp '2024-03-15 11:59:59.999999', timestamp '2024-03-15 12:00:00', 'a', 6.0),
  (1, timestamp '2024-03-15 12:00:00', timestamp '2024-03-15 12:00:00', 'a', 5.0),
  (1, timestamp '2024-04-10 00:00:00', timestamp '2024-06-01 00:00:00', 'c', 500.0),
  (1, timestamp '2024-04-30 23:59:59.999999', timestamp '2024-05-01 00:00:00', 'c', 7.0),
  (1, timestamp '2024-05-01 00:00:00', timestamp '2024-05-01 00:00:00', 'c', 1000.0),
  -- buyer 3 is treated before the first period, buyer 5 becomes eligible on 15 February
  (3, timestamp '2024-02-10 00:00:00', timestamp '2024-02-10 00:00:00', 'a', 10.0),
  (5, timestamp '2024-02-10 00:00:00', timestamp '2024-02-10 00:00:00', 'a', 20.0),
  (5, timestamp '2024-03-10 00:00:00', timestamp '2024-03-10 00:00:00', 'a', 30.0),
  (7, timestamp '2024-03-10 00:00:00', timestamp '2024-03-10 00:00:00', 'a', 40.0)
)

select * from orders
