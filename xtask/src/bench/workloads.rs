//! The workloads, in the order of the tables. Each program says with `--list` which of
//! them it has.

use super::Result;

/// What a program prints for a workload.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Unit {
    /// Nanoseconds an operation.
    Cost,
    /// The same, and what more workers gain is of interest.
    Speedup,
    /// The median and the 99.9th percentile of delays, in nanoseconds.
    Delays,
    /// CPU time in percent of one core.
    Load,
    /// What the one that gets least gets of all, in percent.
    Share,
    /// Memory for each.
    Bytes,
}

use Unit::{Bytes, Cost, Delays, Load, Share, Speedup};

pub(super) struct Workload {
    pub(super) name: &'static str,
    pub(super) unit: Unit,
    what: &'static str,
}

const fn workload(name: &'static str, unit: Unit, what: &'static str) -> Workload {
    Workload { name, unit, what }
}

pub(super) const ALL: &[Workload] = &[
    workload("yield_1", Cost, "a yield, one thread"),
    workload("yield_100", Cost, "a yield, 100 threads"),
    workload("spawn", Cost, "1 M empty threads, wait for all; each"),
    workload("spawn_join", Cost, "spawn one, join it"),
    workload("scope_1", Cost, "a scope, or group, of one thread; each"),
    workload("scope_100", Cost, "scopes of 100 threads; a thread"),
    workload("scope_1m", Cost, "a scope of a million; a thread"),
    workload("group_1", Cost, "a group whose first failure ends it, of one thread; each"),
    workload("group_100", Cost, "such groups of 100 threads; a thread"),
    workload("group_1m", Cost, "such a group of a million; a thread"),
    workload("fib_22", Cost, "fib(22) by spawn and join; a spawn"),
    workload("skynet", Cost, "1 111 111 threads, a 10-ary tree, count its leaves; each"),
    workload("shutdown_100k", Cost, "a runtime with 100 000 parked threads shuts down; each"),
    workload("mutex", Cost, "lock and unlock, nobody else about"),
    workload("mutex_8_short", Cost, "8 threads, one lock, a counter; lock and unlock"),
    workload("mutex_1000_short", Cost, "the same, 1000 threads"),
    workload("mutex_8_long", Cost, "8 threads, one lock, a microsecond's work under it"),
    workload("mutex_1000_long", Cost, "the same, 1000 threads"),
    workload("mutex_fairness", Share, "8 threads, one lock, a second; turns of the least served"),
    workload("rwlock_1_100", Cost, "8 threads, a write for 100 reads; any of these"),
    workload("condvar_ping_pong", Cost, "two threads take turns; a round trip"),
    workload("semaphore_10_1000", Cost, "1000 threads, 10 permits; acquire, yield, release"),
    workload("wait_group_1m", Cost, "8 threads add a million members and take them away; each"),
    workload("rendezvous", Cost, "a round trip over two channels of capacity 0, 1 pair"),
    workload("pairs_100", Cost, "the same, 100 pairs; a round trip of any"),
    workload("chan_0", Cost, "one to one, capacity 0; a message"),
    workload("chan_1", Cost, "one to one, capacity 1"),
    workload("chan_128", Cost, "one to one, capacity 128"),
    workload("chan_unbounded", Cost, "one to one, any number of messages on their way"),
    workload("chan_4_1_128", Cost, "4 senders to one receiver, capacity 128"),
    workload("chan_4_4_0", Cost, "4 senders to 4 receivers, capacity 0; a message"),
    workload("chan_4_4_128", Cost, "4 senders to 4 receivers, capacity 128"),
    workload("chan_100_100_16", Cost, "100 senders to 100 receivers, capacity 16"),
    workload("chan_crowd_4", Cost, "2 senders to 2 receivers, capacity 16"),
    workload("chan_crowd_1000", Cost, "the same work among 500 and 500"),
    workload("select_4", Cost, "4 senders on 4 channels of capacity 0, one selects; a message"),
    workload("ring_1000", Cost, "a token around 1000 threads; a hop"),
    workload("sieve", Cost, "500 primes, a thread for each; a prime"),
    workload("for_each", Cost, "one sender, `for_each` in 8 threads, capacity 128; a message"),
    workload("oneshot", Cost, "make a channel for one value, send, receive"),
    workload("broadcast_4", Cost, "one to all of 4, capacity 128, none lags; a message"),
    workload("watch", Cost, "a round trip over two channels for the latest value"),
    workload("os_chan_0", Cost, "one to one between OS threads, capacity 0; a message"),
    workload("os_chan_1", Cost, "one to one between OS threads, capacity 1"),
    workload("os_chan_128", Cost, "one to one between OS threads, capacity 128"),
    workload("os_chan_4_4_0", Cost, "4 to 4 between OS threads, capacity 0"),
    workload("os_chan_4_4_128", Cost, "4 to 4 between OS threads, capacity 128"),
    workload("pool_2_0", Speedup, "2 threads wait for jobs of 50 µs, capacity 0; a job"),
    workload("pool_2_4", Speedup, "2 threads, capacity 4"),
    workload("pool_2_64", Speedup, "2 threads, capacity 64"),
    workload("pool_4_0", Speedup, "4 threads, capacity 0"),
    workload("pool_4_4", Speedup, "4 threads, capacity 4"),
    workload("pool_4_64", Speedup, "4 threads, capacity 64"),
    workload("pool_8_0", Speedup, "8 threads, capacity 0"),
    workload("pool_8_4", Speedup, "8 threads, capacity 4"),
    workload("pool_8_64", Speedup, "8 threads, capacity 64"),
    workload("children_50us", Speedup, "spawn two that compute for 50 µs, join both; a pair"),
    workload("children_5ms", Speedup, "spawn two that compute for 5 ms, join both; a pair"),
    workload("handlers_1000", Cost, "1000 threads answer their parent in turn; a message"),
    workload("rw_pairs", Cost, "8 pairs of reader and writer, capacity 16; a message"),
    workload("timeout_empty", Cost, "a timeout of an hour around nothing"),
    workload("chan_0_timeout", Cost, "as chan_0, with an hour for each receipt"),
    workload("cancel_100k", Cost, "cancel 100 k threads that wait, join them; each"),
    workload("dump_100k", Cost, "tell of 100 k threads that wait, as text; each"),
    workload("dump_100k_pause", Cost, "for how long that keeps another thread from its work"),
    workload("latency_idle", Delays, "spawn to first instruction, nothing else to do"),
    workload("latency_busy", Delays, "the same beside threads that yield every 20 µs"),
    workload("hog_fresh", Delays, "the same beside one that computes for 100 ms at a time"),
    workload("hog_started", Delays, "beside that one, from a send to its receipt"),
    workload("idle_cpu", Load, "10 000 parked threads"),
    workload("wakes_8000", Load, "8000 wakes a second, the waking included"),
    workload("parked_1m", Cost, "a million parked threads, the second time; each"),
    workload("parked_1m_bytes", Bytes, "resident memory of each of them"),
    workload("burst_100k_bytes", Bytes, "what 100 000, 32 KiB deep, have left after 10 s; each"),
    workload("spawn_new_stack", Cost, "spawn to two pages deep, 250 threads, new stacks; each"),
    workload("spawn_pooled_stack", Cost, "the same on stacks that have just been used"),
    workload("spawn_given_back", Cost, "the same on stacks whose memory was given back"),
    workload("sleepers_100k", Cost, "100 000 threads sleep for 1 to 100 ms; CPU time each"),
    workload("timers_1m", Cost, "1000 pairs: one waits for an hour at most, soon answered; a wait"),
    workload("timers_1m_deep", Cost, "the same beside 100 000 that wait for as long in vain"),
    workload("timer_lateness_idle", Delays, "how late a sleep of 1 ms ends, nothing else to do"),
    workload("timer_lateness_busy", Delays, "the same beside threads that yield every 20 µs"),
    workload("coroutine_resume", Cost, "a coroutine's next number; resume and suspend"),
    workload("coroutine_value", Cost, "a number into a coroutine, the next one back"),
    workload("coroutine_create", Cost, "make a coroutine, resume it to its end, drop it"),
    workload("coroutine_new", Cost, "make and drop one that never runs"),
    workload("coroutine_1m", Cost, "a million that have yielded once, the second time; each"),
    workload("coroutine_1m_bytes", Bytes, "resident memory of each of them"),
    workload("coroutine_delegate", Cost, "the next number, through ten coroutines to its reader"),
    workload("coroutine_transfer", Cost, "two coroutines hand over to each other; a hand-over"),
];

/// Those that are named, or all.
pub(super) fn chosen(names: &[String]) -> Result<Vec<&'static Workload>> {
    if let Some(name) = names.iter().find(|name| ALL.iter().all(|it| it.name != **name)) {
        return Err(format!("no workload `{name}`; --list prints those there are").into());
    }
    let wanted = |it: &&Workload| names.is_empty() || names.iter().any(|name| name == it.name);
    Ok(ALL.iter().filter(wanted).collect())
}

pub(super) fn print() {
    for Workload { name, what, .. } in ALL {
        println!("{name:20} {what}");
    }
}
