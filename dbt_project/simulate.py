"""Makes the event stream of the social product, and the true effects that its studies should find.

Run as a script: ``python simulate.py --users 50000 --days 120 --out data --seed 7``. The same arguments give the same
tables. Each table is a Parquet file of `--out`; `truth.parquet` holds the effects, known because both potential
outcomes of every user are drawn.

The world in one paragraph: a user has a level of activity that drifts from week to week, and each day's sessions,
messages and purchases follow it. Three things are done to users, and who gets them depends on *recorded* activity of
the last week and on the platform, never on the hidden level: joining a group (any day of three weeks), uploading a
profile photo on the day of the prompt, and the comeback push. Each adds sessions (and messages, purchases) in the days
after. Active users get more of each and are more active anyway, so that the raw differences are wrong.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

FIRST_DAY = np.datetime64("2026-01-01", "us")
MICROSECONDS_PER_DAY = 86_400_000_000
PLATFORMS = np.array(["android", "ios", "web"])
IOS = 1
COUNTRIES = np.array(["BR", "DE", "IN", "US"])
N_GROUPS = 400

# Days are counted from FIRST_DAY. An outcome window ends before the next study begins, so that no study's treatment
# changes another one's outcome.
GROUPS_OPEN_DAY, GROUPS_CLOSE_DAY, GROUP_WINDOW_DAYS = 35, 56, 14  # 5 to 25 February
PHOTO_DAY, PHOTO_WINDOW_DAYS = 77, 14  # 19 March; outcomes are counted from the day after
PUSH_DAY, PUSH_WINDOW_DAYS = 97, 7  # 8 April
TENURE_DAYS = 28  # a study takes users who signed up at least this long before their index time


@dataclass
class World:
    """Users (arrays of n) and what they did: counts per day and user (days × n), changed in place by the studies."""

    random: np.random.Generator
    signup_day: np.ndarray
    platform: np.ndarray
    country: np.ndarray
    messages_per_session: np.ndarray
    sessions: np.ndarray
    messages: np.ndarray
    purchases: np.ndarray

    @property
    def n_users(self) -> int:
        return len(self.signup_day)

    def last_week(self, counts: np.ndarray, day: int) -> np.ndarray:
        """What the warehouse will record at midnight of `day` as the count of the seven days before."""
        return counts[day - 7 : day].sum(axis=0)

    def is_eligible(self, day: int | np.ndarray) -> np.ndarray:
        return self.signup_day <= day - TENURE_DAYS


def make_world(n_users: int, n_days: int, seed: int) -> World:
    """Users and their untreated lives."""
    random = np.random.default_rng(seed)
    signup_day = np.where(random.random(n_users) < 0.85, random.integers(-400, 0, n_users), 0)
    signup_day = np.where(signup_day == 0, random.integers(0, n_days, n_users), signup_day)
    platform = random.choice(3, n_users, p=[0.45, 0.35, 0.20])
    country = random.choice(4, n_users, p=[0.2, 0.15, 0.35, 0.3])
    rate = daily_rate(random, n_users, n_days) * np.array([1.0, 1.15, 0.8])[platform]
    rate[np.arange(n_days)[:, None] <= signup_day[None, :]] = 0.0  # nothing happens before signing up
    sessions = random.poisson(rate).astype(np.int16)
    messages_per_session = random.gamma(3.0, 0.28, n_users)
    messages = per_session(random, sessions, messages_per_session)
    purchases = per_session(random, sessions, np.full(n_users, 0.02))
    return World(random, signup_day, platform, country, messages_per_session, sessions, messages, purchases)


def daily_rate(random: np.random.Generator, n_users: int, n_days: int) -> np.ndarray:
    """Expected sessions (days × users): a gamma level per user, drifting weekly as a log AR(1), busier weekends."""
    level = random.gamma(2.5, 0.175, n_users)
    n_weeks = -(-n_days // 7)
    drift = np.empty((n_weeks, n_users))
    drift[0] = random.normal(0.0, 0.3, n_users)
    for week in range(1, n_weeks):
        drift[week] = 0.7 * drift[week - 1] + random.normal(0.0, 0.3 * np.sqrt(1 - 0.7**2), n_users)
    weekday = np.array([1.0, 1.05, 1.2, 1.15, 0.9, 0.9, 0.9])  # the first day is a Thursday
    days = np.arange(n_days)
    return level * np.exp(drift - 0.045)[days // 7] * weekday[days % 7, None]


def per_session(random: np.random.Generator, sessions: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Counts (days × users) of something that happens `mean` times per session of a user."""
    counts = np.zeros_like(sessions)
    day, user = np.nonzero(sessions)
    counts[day, user] = random.poisson(sessions[day, user] * mean[user])
    return counts


def logistic(x: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(-x))


def add_on_days(counts: np.ndarray, users: np.ndarray, days: np.ndarray) -> None:
    np.add.at(counts, (days, users), 1)


def spread(world: World, extra: np.ndarray, first_day: np.ndarray, n_days: int) -> tuple[np.ndarray, np.ndarray]:
    """`extra` events per user as (user, day) pairs on random days of the `n_days` from `first_day` on."""
    users = np.repeat(np.arange(world.n_users), extra)
    return users, first_day[users] + world.random.integers(0, n_days, len(users))


Truth = list[tuple[str, str, str, str, float]]  # study, outcome, estimand, segment, effect


def join_groups(world: World) -> tuple[Truth, np.ndarray]:
    """Users join a group on any day of three weeks, by a hazard in last week's activity. Returns the day joined, or -1.

    Untreated here means "not today": without this join, a user may still join later. Whether a user joins on a day is
    decided by one number per day, so that the second such day is when they would have joined instead.
    """
    days = np.arange(GROUPS_OPEN_DAY, GROUPS_CLOSE_DAY)
    would_join = np.empty((len(days), world.n_users), dtype=bool)
    for i, day in enumerate(days):
        activity = 0.07 * world.last_week(world.sessions, day) + 0.03 * world.last_week(world.messages, day)
        hazard = logistic(-5.7 + activity + 0.4 * (world.platform == IOS))
        would_join[i] = (world.random.random(world.n_users) < hazard) & (world.signup_day < day)
    order = would_join.cumsum(axis=0)
    first = np.where(order[-1] >= 1, days[np.argmax(order >= 1, axis=0)], -1)
    second = np.where(order[-1] >= 2, days[np.argmax(order >= 2, axis=0)], 10**6)
    gained, given_up = (world.random.poisson(1.6, world.n_users) for _ in range(2))
    users, extra_days = spread(world, np.where(first >= 0, gained, 0), first, GROUP_WINDOW_DAYS)
    later_users, later_days = spread(world, np.where(second < 10**6, given_up, 0), second, GROUP_WINDOW_DAYS)
    is_in_window = later_days < first[later_users] + GROUP_WINDOW_DAYS
    effect = gained - np.bincount(later_users[is_in_window], minlength=world.n_users)
    add_on_days(world.sessions, users, extra_days)
    is_treated = (first >= 0) & world.is_eligible(first)
    return [("group_joined", "sessions_next_14d", "ATT", "", float(effect[is_treated].mean()))], first


def upload_photos(world: World) -> tuple[Truth, np.ndarray, np.ndarray]:
    """A prompt asks users without a photo for one. Returns who had one before, and who uploaded one that day."""
    had_photo = world.random.random(world.n_users) < 0.3
    activity = 0.08 * world.last_week(world.sessions, PHOTO_DAY) + 0.05 * world.last_week(world.messages, PHOTO_DAY)
    share = logistic(-1.3 + activity + 0.3 * (world.platform == IOS))
    is_asked = ~had_photo & (world.signup_day < PHOTO_DAY)
    is_uploader = is_asked & (world.random.random(world.n_users) < share)
    starts = np.full(world.n_users, PHOTO_DAY + 1)
    window = slice(PHOTO_DAY + 1, PHOTO_DAY + 1 + PHOTO_WINDOW_DAYS)
    means = {"sessions": [0.5, 0.9, 0.2], "messages": [0.8, 1.2, 0.4], "purchases": [0.03, 0.06, 0.015]}
    effects = {}
    for name, mean in means.items():
        counts = getattr(world, name)
        extra = world.random.poisson(np.array(mean)[world.platform])
        before = counts[window].sum(axis=0)
        effects[name] = ((before + extra > 0) * 1.0 - (before > 0)) if name == "purchases" else extra
        add_on_days(counts, *spread(world, np.where(is_uploader, extra, 0), starts, PHOTO_WINDOW_DAYS))
    outcomes = {"sessions": "sessions_next_14d", "messages": "messages_next_14d", "purchases": "has_purchased_next_14d"}
    population = is_asked & world.is_eligible(PHOTO_DAY)
    truth = [
        ("profile_photo", outcomes[name], "ATE", segment, float(effect[population & chosen].mean()))
        for name, effect in effects.items()
        for segment, chosen in segments(world).items()
    ]
    return truth, had_photo, is_uploader


def segments(world: World) -> Mapping[str, np.ndarray]:
    """All users, under the empty name, and the users of each platform, named as published effects name them."""
    everyone = {"": np.ones(world.n_users, dtype=bool)}
    return everyone | {f"platform={name}": world.platform == code for code, name in enumerate(PLATFORMS)}


def send_push(world: World) -> tuple[Truth, np.ndarray]:
    """The comeback push goes out at midnight of `PUSH_DAY`, by a rule in last week's activity. Returns who got it."""
    last_sessions = world.last_week(world.sessions, PUSH_DAY)
    activity = 0.12 * last_sessions + 0.04 * world.last_week(world.messages, PUSH_DAY)
    is_targeted = world.random.random(world.n_users) < logistic(-1.5 + activity + 0.3 * (world.platform == IOS))
    is_targeted &= world.signup_day < PUSH_DAY
    effect = world.random.poisson(0.5 + 0.03 * np.minimum(last_sessions, 10))
    starts = np.full(world.n_users, PUSH_DAY)
    add_on_days(world.sessions, *spread(world, np.where(is_targeted, effect, 0), starts, PUSH_WINDOW_DAYS))
    is_treated = is_targeted & world.is_eligible(PUSH_DAY)
    return [("push_campaign", "sessions_next_7d", "ATT", "", float(effect[is_treated].mean()))], is_targeted


def events(random: np.random.Generator, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Counts (days × users) as events: user numbers and times within the day, in order of time."""
    day, user = np.nonzero(counts)
    n = counts[day, user]
    users, days = np.repeat(user, n), np.repeat(day, n)
    return at_random_times(random, users, days)


def at_random_times(random: np.random.Generator, users: np.ndarray, days: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Events on given days at a time of day that is most often around noon, in order of time."""
    fraction = (random.random(len(days)) + random.random(len(days))) / 2.0
    microseconds = days * MICROSECONDS_PER_DAY + (fraction * MICROSECONDS_PER_DAY).astype(np.int64)
    order = np.argsort(microseconds, kind="stable")
    return users[order] + 1, FIRST_DAY + microseconds[order].astype("timedelta64[us]")


def event_table(users: np.ndarray, times: np.ndarray, id_name: str, at_name: str, **more: np.ndarray) -> pa.Table:
    ids = np.arange(1, len(users) + 1)
    return pa.table({id_name: ids, "user_id": users, at_name: times, **more})


def push_events(world: World, is_targeted: np.ndarray, n_days: int) -> pa.Table:
    """The weekly digest (to three users in ten, at random) and the one comeback push, sent at midnight."""
    n_weeks = n_days // 7
    week, user = np.nonzero(world.random.random((n_weeks, world.n_users)) < 0.3)
    is_signed_up = world.signup_day[user] < week * 7
    users = np.concatenate([user[is_signed_up], np.flatnonzero(is_targeted)])
    days = np.concatenate([week[is_signed_up] * 7, np.full(is_targeted.sum(), PUSH_DAY)])
    campaign = np.repeat(["weekly_digest", "spring_comeback"], [is_signed_up.sum(), is_targeted.sum()])
    order = np.argsort(days, kind="stable")
    times = FIRST_DAY + days[order].astype("timedelta64[D]")
    return event_table(users[order] + 1, times, "push_id", "sent_at", campaign=campaign[order])


def photo_events(world: World, signed_up_at: np.ndarray, had_photo: np.ndarray, is_uploader: np.ndarray) -> pa.Table:
    """Photos uploaded ten minutes after signing up, or on the day of the prompt."""
    first = np.flatnonzero(had_photo)
    later, times = at_random_times(
        world.random, np.flatnonzero(is_uploader), np.full(is_uploader.sum(), PHOTO_DAY, dtype=np.int64)
    )
    users = np.concatenate([first + 1, later])
    all_times = np.concatenate([signed_up_at[first] + np.timedelta64(10, "m"), times])
    order = np.argsort(all_times, kind="stable")
    return event_table(users[order], all_times[order], "photo_id", "uploaded_at")


def group_events(world: World, joined_day: np.ndarray) -> pa.Table:
    """One row per user who joined a group."""
    joiners = np.flatnonzero(joined_day >= 0)
    users, times = at_random_times(world.random, joiners, joined_day[joiners].astype(np.int64))
    groups = world.random.integers(1, N_GROUPS + 1, len(joiners))
    return event_table(users, times, "join_id", "joined_at", group_id=groups)


def user_table(world: World, signed_up_at: np.ndarray) -> pa.Table:
    """One row per user."""
    return pa.table(
        {
            "user_id": np.arange(1, world.n_users + 1),
            "signed_up_at": signed_up_at,
            "platform": PLATFORMS[world.platform],
            "country": COUNTRIES[world.country],
        }
    )


def truth_table(truth: Truth) -> pa.Table:
    """One row per study, outcome and segment."""
    names = ("study_id", "outcome", "estimand", "segment", "effect")
    return pa.table(dict(zip(names, map(list, zip(*truth, strict=True)), strict=True)))


def simulate(n_users: int, n_days: int, seed: int) -> dict[str, pa.Table]:
    """All tables by name. Raises ValueError if the days do not hold every study's windows."""
    n_needed = PUSH_DAY + PUSH_WINDOW_DAYS
    if n_days < n_needed:
        raise ValueError(f"--days must be at least {n_needed} to hold the push's outcome; got {n_days}")
    world = make_world(n_users, n_days, seed)
    group_truth, joined_day = join_groups(world)
    photo_truth, had_photo, is_uploader = upload_photos(world)
    push_truth, is_targeted = send_push(world)

    random = world.random
    seconds = random.integers(0, 86_400, n_users)
    signed_up_at = FIRST_DAY + world.signup_day.astype("timedelta64[D]") + seconds.astype("timedelta64[s]")
    return {
        "users": user_table(world, signed_up_at),
        "sessions": event_table(*events(random, world.sessions), "session_id", "started_at"),
        "messages": event_table(*events(random, world.messages), "message_id", "sent_at"),
        "purchases": event_table(*events(random, world.purchases), "purchase_id", "purchased_at"),
        "pushes": push_events(world, is_targeted, n_days),
        "profile_photos": photo_events(world, signed_up_at, had_photo, is_uploader),
        "group_joins": group_events(world, joined_day),
        "truth": truth_table(group_truth + photo_truth + push_truth),
    }


def write(tables: Mapping[str, pa.Table], folder: Path) -> None:
    """One Parquet file per table; each appears whole, so that a stopped run leaves no half table."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        partial = folder / f"{name}.parquet.tmp"
        pq.write_table(table, partial)
        partial.replace(folder / f"{name}.parquet")


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the event stream of the social product and the true effects.")
    parser.add_argument("--users", type=int, default=50_000)
    parser.add_argument("--days", type=int, default=120)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "data")
    options = parser.parse_args()
    tables = simulate(options.users, options.days, options.seed)
    write(tables, options.out)
    n_events = sum(t.num_rows for name, t in tables.items() if name not in ("users", "truth"))
    print(f"{options.users:,} users, {n_events:,} events over {options.days} days in {options.out}")


if __name__ == "__main__":
    main()
