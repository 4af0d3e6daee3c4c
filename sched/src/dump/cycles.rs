//! Who waits for whom in a ring.
//!
//! A thread waits for at most one other that is known: who has the lock, or is joined. So each thread
//! has at most one way out, and a ring is found by following it.
//!
//! 1. What was seen of two threads may be of two moments, and a ring may never have been. So it counts
//!    only if each of its threads was seen in the same wait a second time, for the same other: then all
//!    of them waited at any moment between the last look of the first time and the first of the second.

use std::collections::HashMap;
use std::time::Instant;

use super::ThreadInfo;

/// One wait of one thread, and for whom.
type Edge = (u64, usize, Option<Instant>);

fn edges(threads: &[ThreadInfo]) -> HashMap<u64, Edge> {
    let edge = |thread: &ThreadInfo| {
        // One that has a deadline goes on by itself.
        let wait = thread.wait.as_ref().filter(|wait| !wait.has_deadline)?;
        Some((thread.id, (wait.thread?, wait.object, wait.since)))
    };
    threads.iter().filter_map(edge).collect()
}

/// The rings that there seem to be.
pub(super) fn find(threads: &[ThreadInfo]) -> Vec<Vec<u64>> {
    rings(&edges(threads))
}

/// The rings that there were (1).
pub(super) fn find_in_both(before: &[ThreadInfo], after: &[ThreadInfo]) -> Vec<Vec<u64>> {
    let after = edges(after);
    let mut edges = edges(before);
    edges.retain(|thread, edge| after.get(thread) == Some(edge));
    rings(&edges)
}

fn rings(edges: &HashMap<u64, Edge>) -> Vec<Vec<u64>> {
    let mut rings = Vec::new();
    // By whom each thread was first come to.
    let mut seen = HashMap::new();
    let mut starts: Vec<_> = edges.keys().copied().collect();
    starts.sort_unstable();
    for start in starts {
        let (mut thread, mut path) = (start, Vec::new());
        while !seen.contains_key(&thread) {
            seen.insert(thread, start);
            path.push(thread);
            match edges.get(&thread) {
                Some((next, ..)) => thread = *next,
                None => break,
            }
        }
        // On this very path: a ring. On an earlier one: it has been found, or there is none.
        let is_ring = seen.get(&thread) == Some(&start) && edges.contains_key(&thread);
        if let Some(begin) = path.iter().position(|on| *on == thread).filter(|_| is_ring) {
            rings.push(path.split_off(begin));
        }
    }
    rings
}

#[cfg(all(test, not(sward_loom)))]
mod tests {
    use super::*;

    fn rings_of(edges: &[(u64, u64)]) -> Vec<Vec<u64>> {
        rings(&edges.iter().map(|(thread, next)| (*thread, (*next, 0, None))).collect())
    }

    #[test]
    fn rings_are_found_and_nothing_else() {
        assert!(rings_of(&[]).is_empty());
        assert!(rings_of(&[(1, 2), (2, 3), (4, 3)]).is_empty());
        assert_eq!(rings_of(&[(1, 1)]), [[1]]);
        assert_eq!(rings_of(&[(1, 2), (2, 3), (3, 2), (4, 1)]), [[2, 3]]);
        assert_eq!(
            rings_of(&[(1, 2), (2, 1), (3, 4), (4, 5), (5, 3)]),
            [vec![1, 2], vec![3, 4, 5]]
        );
    }
}
