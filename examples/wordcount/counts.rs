//! How often each word occurs: in one job, in one big file, in all.
//!
//! With `HashMap<Box<str>, u64>` the merger took a third as long as the tokenisers
//! together: it hashed each word again, and went to memory for each word's own
//! allocation. Here the words of a table lie one after the other, and hashes move with
//! them from table to table.

use std::cmp::Ordering;
use std::hash::BuildHasher;
use std::mem;
use std::sync::LazyLock;

use hashbrown::hash_table::Entry::{Occupied, Vacant};
use hashbrown::{DefaultHashBuilder, HashTable};

/// The same keys in every table, since the hashes are passed on.
static HASHER: LazyLock<DefaultHashBuilder> = LazyLock::new(DefaultHashBuilder::default);

/// Words, each with its number of occurrences.
#[derive(Default)]
pub(crate) struct Counts {
    /// Numbers of entries, by the hash of their words.
    index: HashTable<u32>,
    entries: Vec<Entry>,
    /// The words, in the order of `entries`.
    text: String,
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
        self.add_hashed(HASHER.hash_one(word), word, 1);
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
        self.index.clear();
        self.index.shrink_to(keep, |_| unreachable!("it is empty"));
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
        let Self { index, entries, text } = self;
        let is_word = |&number: &u32| {
            let entry = &entries[number as usize];
            entry.hash == hash && text[entry.start..entry.start + entry.len] == *word
        };
        match index.entry(hash, is_word, |&number| entries[number as usize].hash) {
            Occupied(slot) => entries[*slot.get() as usize].count += count,
            Vacant(slot) => {
                let number = u32::try_from(entries.len()).expect("2^32 words are too many");
                slot.insert(number);
                entries.push(Entry { hash, count, start: text.len(), len: word.len() });
                text.push_str(word);
            }
        }
    }
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
