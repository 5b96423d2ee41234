"""Makes the communities of the social product, two rollouts among them, and the true effects that studies should find.

Run as a script: ``python simulate_rollouts.py --communities 1600 --out data --seed 11``. The same arguments give the
same tables. Each table is a Parquet file of `--out`; `rollout_truth.parquet` holds the effects.

The world in one paragraph: a community has its own level of posts and of replies per week, and all of them share the
ups and downs of the weeks, in counts and not in per cent, so that trends are parallel. The moderation tool was switched
on in one week, mostly in large communities, and adds posts. Live rooms came in three waves, largest communities first,
and add replies: few in the first week, more with every week after. A regression with fixed effects of units and weeks
takes the communities of the first wave as controls for the later ones while their effect still grows.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

FIRST_DAY = np.datetime64("2026-01-05", "us")  # a Monday
MICROSECONDS_PER_WEEK = 7 * 86_400_000_000
N_WEEKS = 16  # 5 January to 26 April
TOOL_WEEK = 9  # weeks are counted from 1, as the periods of the studies are
ROOM_WEEKS = (5, 8, 11)
NEVER = 0
TOPICS = np.array(["games", "music", "sports", "travel"])


def communities_by_week(random: np.random.Generator, mean: float, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Levels (n) and untreated counts (n × weeks): a level of the community plus what all share in a week."""
    level = random.gamma(2.0, mean / 2.0, n) + 4.0
    shared = 3.0 * np.sin(np.arange(N_WEEKS) / 2.5) + random.normal(0.0, 0.5, N_WEEKS)
    return level, random.poisson(np.maximum(level[:, None] + shared[None, :], 0.0))


def moderation_tool(random: np.random.Generator, level: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First week under treatment (or NEVER), and the posts added by week: three a week from the first on."""
    share = 1.0 / (1.0 + np.exp(-(np.log(level) - np.log(level).mean())))
    week = np.where(random.random(len(level)) < share, TOOL_WEEK, NEVER)
    return week, added(random, week, first=3.0, growth=0.0)


def live_rooms(random: np.random.Generator, level: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Waves by size, with luck, the largest first. Replies added: two in the first week, two more in each later one."""
    rank = np.argsort(np.argsort(np.log(level) + random.normal(0.0, 1.0, len(level))))
    wave = rank * 4 // len(level)
    week = np.array([NEVER, *ROOM_WEEKS[::-1]])[wave]
    return week, added(random, week, first=2.0, growth=2.0)


def added(random: np.random.Generator, week: np.ndarray, first: float, growth: float) -> np.ndarray:
    """Events added (n × weeks): on average `first` in the first week under treatment, then `growth` more each week."""
    since = np.arange(1, N_WEEKS + 1)[None, :] - week[:, None]
    is_treated = (week[:, None] != NEVER) & (since >= 0)
    return np.where(is_treated, random.poisson(np.where(is_treated, first + growth * since, 0.0)), 0)


def mean_by_group(effect: np.ndarray, week: np.ndarray) -> float:
    """The mean over treated units of what was added per week under treatment: cohorts weighted by their size."""
    cohorts = [w for w in np.unique(week) if w != NEVER]
    means = [effect[week == w, w - 1 :].mean() for w in cohorts]
    return float(np.average(means, weights=[(week == w).sum() for w in cohorts]))


def event_table(random: np.random.Generator, counts: np.ndarray, id_name: str, at_name: str) -> pa.Table:
    """Counts (n × weeks) as events at random moments of their week, in order of time."""
    community, week = np.nonzero(counts)
    n = counts[community, week]
    communities, weeks = np.repeat(community, n), np.repeat(week, n)
    micros = weeks * MICROSECONDS_PER_WEEK + (random.random(len(weeks)) * MICROSECONDS_PER_WEEK).astype(np.int64)
    order = np.argsort(micros, kind="stable")
    times = FIRST_DAY + micros[order].astype("timedelta64[us]")
    return pa.table({id_name: np.arange(1, len(order) + 1), "community_id": communities[order] + 1, at_name: times})


def rollout_table(weeks: Mapping[str, np.ndarray]) -> pa.Table:
    """One row per community and thing that was rolled out to it."""
    parts = []
    for name, week in weeks.items():
        reached = np.flatnonzero(week != NEVER)
        started_at = FIRST_DAY + ((week[reached] - 1) * MICROSECONDS_PER_WEEK).astype("timedelta64[us]")
        parts.append(
            pa.table({"community_id": reached + 1, "rolled_out": [name] * len(reached), "started_at": started_at})
        )
    return pa.concat_tables(parts)


def simulate(n_communities: int, seed: int) -> dict[str, pa.Table]:
    """All tables by name."""
    random = np.random.default_rng(seed)
    posting, posts = communities_by_week(random, 24.0, n_communities)
    replying, replies = communities_by_week(random, 30.0, n_communities)
    tool_week, more_posts = moderation_tool(random, posting)
    rooms_week, more_replies = live_rooms(random, replying)
    founded_at = FIRST_DAY - random.integers(200, 1200, n_communities).astype("timedelta64[D]")
    truth = [
        ("moderation_tool", "posts", "ATT", "", mean_by_group(more_posts, tool_week)),
        ("live_rooms", "replies", "ATT", "", mean_by_group(more_replies, rooms_week)),
    ]
    names = ("study_id", "outcome", "estimand", "segment", "effect")
    return {
        "communities": pa.table(
            {
                "community_id": np.arange(1, n_communities + 1),
                "topic": random.choice(TOPICS, n_communities),
                "founded_at": founded_at,
            }
        ),
        "posts": event_table(random, posts + more_posts, "post_id", "posted_at"),
        "replies": event_table(random, replies + more_replies, "reply_id", "replied_at"),
        "rollouts": rollout_table({"moderation_tool": tool_week, "live_rooms": rooms_week}),
        "rollout_truth": pa.table(dict(zip(names, map(list, zip(*truth, strict=True)), strict=True))),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Make communities, two rollouts among them, and the true effects.")
    parser.add_argument("--communities", type=int, default=1600)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "data")
    options = parser.parse_args()
    tables = simulate(options.communities, options.seed)
    options.out.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        partial = options.out / f"{name}.parquet.tmp"
        pq.write_table(table, partial)
        partial.replace(options.out / f"{name}.parquet")
    n_events = tables["posts"].num_rows + tables["replies"].num_rows
    print(f"{options.communities:,} communities, {n_events:,} posts and replies in {options.out}")


if __name__ == "__main__":
    main()
