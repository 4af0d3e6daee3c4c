//! How often each word occurs: in one job, in one big file, in all.
//!
//! A hash table for this one purpose. With `HashMap<Box<str>, u64>` the merger took a
//! third as long as the tokenisers together: it hashed each word again, and went to
//! memory for each word's own allocation. Here the words of a table lie one after the
//! other, and hashes move with them from table to table. Invariants:
//!
//! 1. `index` has a power of two of slots, and at most half of them are taken.
//! 2. A taken slot leads to the entry whose hash put it there, or follows such a slot
//!    without a gap (linear probing; nothing is ever removed alone).

use std::cmp::Ordering;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::mem;

/// Words, each with its number of occurrences.
#[derive(Default)]
pub(crate) struct Counts {
    index: Vec<Slot>,
    entries: Vec<Entry>,
    /// The words, in the order of `entries`.
    text: String,
}

#[derive(Clone, Copy, Default)]
struct Slot {
    /// Upper half of the hash: tells most other words from this one on the spot.
    hash: u32,
    /// Number of the entry, from 1 on; 0 in a free slot.
    entry: u32,
}

struct Entry {
    hash: u64,
    count: u64,
    start: usize,
    len: usize,
}

impl Counts {
    /// Counts `word` once more.
    pub(crate) fn add(&mut self, word: &str) {
        // The same keys in every table, since the hashes are passed on.
        let mut hasher = DefaultHasher::new();
        word.hash(&mut hasher);
        self.add_hashed(hasher.finish(), word, 1);
    }

    /// Adds all counts of `other`.
    pub(crate) fn add_all(&mut self, other: &Counts) {
        for entry in &other.entries {
            self.add_hashed(entry.hash, other.word(entry), entry.count);
        }
    }

    /// As `add_all`, but the smaller table goes into the larger.
    pub(crate) fn absorb(&mut self, mut other: Counts) {
        if other.entries.len() > self.entries.len() {
            mem::swap(self, &mut other);
        }
        self.add_all(&other);
    }

    /// Forgets all words. Memory for `keep` of them stays.
    pub(crate) fn clear(&mut self, keep: usize) {
        self.entries.clear();
        self.entries.shrink_to(keep);
        self.text.clear();
        self.text.shrink_to(8 * keep);
        self.index.truncate(2 * keep.next_power_of_two());
        self.index.shrink_to_fit();
        self.index.fill(Slot::default());
    }

    pub(crate) fn words(&self) -> u64 {
        self.entries.iter().map(|entry| entry.count).sum()
    }

    pub(crate) fn distinct(&self) -> usize {
        self.entries.len()
    }

    /// The `n` most frequent words: by count, then by word.
    pub(crate) fn top(&self, n: usize) -> Vec<(&str, u64)> {
        let mut words: Vec<_> =
            self.entries.iter().map(|entry| (self.word(entry), entry.count)).collect();
        // Sorts what is printed, not the whole vocabulary.
        if n < words.len() {
            words.select_nth_unstable_by(n, most_frequent_first);
            words.truncate(n);
        }
        words.sort_unstable_by(most_frequent_first);
        words
    }

    fn word(&self, entry: &Entry) -> &str {
        &self.text[entry.start..entry.start + entry.len]
    }

    fn add_hashed(&mut self, hash: u64, word: &str, count: u64) {
        if 2 * self.entries.len() >= self.index.len() {
            self.grow();
        }
        let mask = self.index.len() - 1;
        let mut at = hash as usize & mask;
        loop {
            let slot = self.index[at];
            if slot.entry == 0 {
                break;
            }
            let number = slot.entry as usize - 1;
            if slot.hash == upper_half(hash) && self.word(&self.entries[number]) == word {
                self.entries[number].count += count;
                return;
            }
            at = (at + 1) & mask;
        }
        self.entries.push(Entry { hash, count, start: self.text.len(), len: word.len() });
        self.text.push_str(word);
        self.index[at] = Slot::new(hash, self.entries.len());
    }

    fn grow(&mut self) {
        let slots = (2 * self.index.len()).max(64);
        self.index.clear();
        self.index.resize(slots, Slot::default());
        for (number, entry) in self.entries.iter().enumerate() {
            let mut at = entry.hash as usize & (slots - 1);
            while self.index[at].entry != 0 {
                at = (at + 1) & (slots - 1);
            }
            self.index[at] = Slot::new(entry.hash, number + 1);
        }
    }
}

impl Slot {
    fn new(hash: u64, entry: usize) -> Self {
        let entry = u32::try_from(entry).expect("fewer than 2^32 distinct words");
        Slot { hash: upper_half(hash), entry }
    }
}

fn upper_half(hash: u64) -> u32 {
    (hash >> 32) as u32
}

fn most_frequent_first(a: &(&str, u64), b: &(&str, u64)) -> Ordering {
    b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0))
}

#[cfg(test)]
mod tests {
    use super::Counts;
    use std::collections::HashMap;

    fn of(words: &[&str]) -> Counts {
        let mut counts = Counts::default();
        words.iter().for_each(|word| counts.add(word));
        counts
    }

    #[test]
    fn top_is_by_count_then_by_word() {
        let counts = of(&["the", "b", "a", "the", "b", "the", "c"]);
        assert_eq!(counts.top(9), [("the", 3), ("b", 2), ("a", 1), ("c", 1)]);
        assert_eq!(counts.top(3), [("the", 3), ("b", 2), ("a", 1)]);
        assert_eq!(counts.top(0), []);
        assert_eq!((counts.words(), counts.distinct()), (7, 4));
    }

    #[test]
    fn absorbing_adds_whichever_is_larger() {
        for (mut left, right) in [
            (of(&["a"]), of(&["a", "b", "c"])),
            (of(&["a", "b", "c"]), of(&["a"])),
            (of(&["c", "b", "a", "a"]), of(&[])),
        ] {
            left.absorb(right);
            assert_eq!(left.top(9), [("a", 2), ("b", 1), ("c", 1)]);
        }
    }

    #[test]
    fn agrees_with_a_hash_map_also_after_clearing() {
        let mut counts = Counts::default();
        for keep in [0, 1, 1000, 3, 5000] {
            let mut expected = HashMap::new();
            for number in 0..20_000_u64 {
                let word = format!("word{}", number * number % 7919);
                counts.add(&word);
                *expected.entry(word).or_insert(0) += 1;
            }
            assert_eq!(counts.distinct(), expected.len());
            for (word, count) in counts.top(usize::MAX) {
                assert_eq!(expected[word], count);
            }
            counts.clear(keep);
            assert_eq!((counts.words(), counts.distinct()), (0, 0));
        }
    }
}
