//! Test data that looks like text, the same on every machine.
//!
//! Word number k comes about as often as 1/k, as in a natural language (Zipf's law).
//! Some words are not ASCII, some hold an apostrophe or a full stop.

use std::fs::{self, File};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::Path;

/// Writes texts from a vocabulary of its own.
pub(crate) struct Generator {
    vocabulary: Vec<String>,
    random: XorShift,
}

impl Default for Generator {
    fn default() -> Self {
        let mut random = XorShift(0x2545_f491_4f6c_dd1d);
        let vocabulary = (0..50_000).map(|number| make_word(number, &mut random)).collect();
        Generator { vocabulary, random }
    }
}

impl Generator {
    /// Writes `files` files of `size` bytes together below `dir`, 32 in each folder.
    pub(crate) fn write_tree(&mut self, dir: &Path, size: u64, files: u64) -> io::Result<()> {
        fs::create_dir_all(dir)?;
        if fs::read_dir(dir)?.next().is_some() {
            return Err(io::Error::new(ErrorKind::DirectoryNotEmpty, "the folder is not empty"));
        }
        for number in 0..files {
            let folder = match files {
                1 => dir.to_owned(),
                _ => dir.join(format!("{:03}/{:02}", number / 1024, number / 32 % 32)),
            };
            if number % 32 == 0 {
                fs::create_dir_all(&folder)?;
            }
            let length = size / files + u64::from(number < size % files);
            let file = File::create_new(folder.join(format!("{number:06}.txt")))?;
            let mut file = BufWriter::with_capacity(64 << 10, file);
            self.write_text(&mut file, length)?;
            file.flush()?;
        }
        Ok(())
    }

    /// Writes exactly `length` bytes of sentences, a line each.
    fn write_text(&mut self, out: &mut impl Write, mut length: u64) -> io::Result<()> {
        let mut line = String::new();
        while length > 0 {
            line.clear();
            self.sentence(&mut line);
            if line.len() as u64 > length {
                line.clear();
                line.extend((1..length).map(|_| '.'));
                line.push('\n');
            }
            out.write_all(line.as_bytes())?;
            length -= line.len() as u64;
        }
        Ok(())
    }

    fn sentence(&mut self, line: &mut String) {
        let words = 4 + self.random.below(16);
        for place in 0..words {
            let word = &self.vocabulary[self.random.rank(self.vocabulary.len())];
            if place == 0 {
                let mut letters = word.chars();
                line.extend(letters.next().into_iter().flat_map(char::to_uppercase));
                line.push_str(letters.as_str());
            } else {
                line.push(' ');
                line.push_str(word);
            }
            if self.random.below(9) == 0 && place + 1 < words {
                line.push(',');
            }
        }
        line.push_str(if self.random.below(8) == 0 { "?\n" } else { ".\n" });
    }
}

/// A word that is likely to be new; the larger the number the longer.
fn make_word(number: usize, random: &mut XorShift) -> String {
    const ASCII: &[&str] = &[
        "ba", "co", "di", "fu", "ge", "ha", "ki", "lo", "mu", "ne", "pi", "ra", "so", "tu", "ve",
        "wi", "an", "er", "in", "on", "st", "th", "ch", "ly", "sh", "tr", "ing", "ed", "ous", "al",
    ];
    const OTHER: &[&str] = &[
        "é",
        "ü",
        "ñ",
        "ß",
        "да",
        "не",
        "λό",
        "σς",
        "漢",
        "字",
        "カナ",
        "אב",
        "한국",
        "e\u{301}",
        "ไทย",
    ];
    let syllables = if number % 40 == 39 { OTHER } else { ASCII };
    let length = 1 + (number / 8).max(1).ilog2() as usize / 4 + random.below(3);
    let mut word: String = (0..length).map(|_| syllables[random.below(syllables.len())]).collect();
    match number % 100 {
        17 => word.push_str("n't"),
        57 => word = format!("{}.{}", number / 100, random.below(100)),
        _ => {}
    }
    word
}

/// Marsaglia's generator: enough for test data, and nothing to depend on.
struct XorShift(u64);

impl XorShift {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        ((self.next() >> 32) as usize) % limit
    }

    /// A number below `limit`, k about as often as 1/k: each power of two is as likely as
    /// any other, and so is each number between two of them.
    fn rank(&mut self, limit: usize) -> usize {
        loop {
            let power = 1_usize << self.below(limit.ilog2() as usize + 1);
            let rank = power + self.below(power) - 1;
            if rank < limit {
                return rank;
            }
        }
    }
}
