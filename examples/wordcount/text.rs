//! What a word is, and where a text may be cut without touching one.
//!
//! A word is a UAX #29 word (`unicode_words`). A big file is read in chunks; each
//! chunk is cut where a word boundary is certain whatever follows, and the rest is
//! carried over to the next chunk. Invariants:
//!
//! 1. The pieces of a file, segmented one by one, give the words of the whole file.
//! 2. `cut` never answers 0: a piece that is handed out makes progress.

use unicode_segmentation::UnicodeSegmentation;

use crate::counts::Counts;

/// The bytes are no text: not UTF-8, or a NUL among them.
#[derive(Debug, PartialEq)]
pub(crate) struct NotText;

/// Adds the words of `text` to `counts`.
///
/// Line by line, since a line's end is always a boundary and `unicode_words` is several
/// times as fast on a line that is all ASCII.
pub(crate) fn count_words(text: &str, counts: &mut Counts) {
    let mut lower = String::new();
    for word in words_by_line(text) {
        counts.add(lower_case(word, &mut lower));
    }
}

fn words_by_line(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive('\n').flat_map(|line| line.unicode_words())
}

/// `word.to_lowercase()`, without an allocation in all but one case.
fn lower_case<'a>(word: &'a str, buffer: &'a mut String) -> &'a str {
    if word.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()) {
        return word;
    }
    buffer.clear();
    if word.is_ascii() {
        buffer.push_str(word);
        buffer.make_ascii_lowercase();
    } else if word.contains('Σ') {
        // The one letter whose lower case depends on its place in the word.
        buffer.push_str(&word.to_lowercase());
    } else {
        buffer.extend(word.chars().flat_map(char::to_lowercase));
    }
    buffer
}

/// The longest known start of `bytes` that holds whole words only.
///
/// Empty when more bytes are needed to tell. With `at_end` no more will come, and it is
/// all of them. `bytes` begins where an earlier piece ended, or at the file's start.
pub(crate) fn whole_words(bytes: &[u8], at_end: bool) -> Result<&str, NotText> {
    if bytes.contains(&0) {
        return Err(NotText);
    }
    let text = match str::from_utf8(bytes) {
        Ok(text) => text,
        // A character that the next chunk may complete.
        Err(error) if error.error_len().is_none() && !at_end => {
            str::from_utf8(&bytes[..error.valid_up_to()]).map_err(|_| NotText)?
        }
        Err(_) => return Err(NotText),
    };
    if at_end {
        return Ok(text);
    }
    Ok(cut(text).map_or("", |at| &text[..at]))
}

/// A place in `text` that is a word boundary whatever comes after `text`.
///
/// The cheap rules look at the second half only: cut near the start, a chunk would
/// carry nearly all of itself over, again and again.
fn cut(text: &str) -> Option<usize> {
    let half = text.len() / 2;
    let tail = &text.as_bytes()[half..];
    // WB3a: always a boundary after a line feed.
    if let Some(at) = tail.iter().rposition(|&byte| byte == b'\n') {
        return Some(half + at + 1);
    }
    // No rule joins a letter or a digit to a space before it.
    if let Some(at) =
        tail.windows(2).rposition(|pair| pair[0] == b' ' && pair[1].is_ascii_alphanumeric())
    {
        return Some(half + at + 1);
    }
    // The rules look two units ahead, so a boundary with two segments after it is final.
    // They never look back across a boundary, so segmenting may begin again at any.
    let mut last_three = [0; 3];
    for (at, _) in text.split_word_bound_indices() {
        last_three = [last_three[1], last_three[2], at];
    }
    (last_three[1] > 0).then_some(last_three[1])
}

#[cfg(test)]
mod tests {
    use super::{NotText, count_words, lower_case, whole_words, words_by_line};
    use crate::counts::Counts;
    use unicode_segmentation::UnicodeSegmentation;

    /// Texts in which nearly every place is a wrong one to cut.
    const NASTY: &[&str] = &[
        "",
        "a",
        "can't won't 'tis rock'n'roll o''clock ''",
        "3.14 1,000,000.00 1. 2, a.b.c U.S.A. x:y 1:2 a_b_1 _ __",
        "one\r\ntwo\r\n\r\nthree\rfour\n\n five  six   seven\t eight\u{b}nine\u{85}ten\u{2028}x",
        "👩‍👩‍👧‍👦👨🏽‍🚀🏳️‍🌈 ok👍🏿x ❤️‍🔥❤ ‍a ‍👩 a‍b",
        "🇩🇪🇫🇷🇬🇧🇺 🇸 x🇩🇪y🇫🇷🇬",
        "e\u{301}te\u{301} n\u{303}\u{327} \u{301}start '\u{308}a a'\u{308}b 1,\u{308}2 a\u{308}\u{308}.\u{200d}b",
        "漢字かな交じり文。カタカナー、ひらがなと漢字と한국어 텍스트입니다",
        "ภาษาไทยไม่มีช่องว่าง กขค ລາວ ខ្មែរ",
        "צה\"ל ג'ירפה א\"ב' א' \"א\" ב'\"ג",
        "naïve Straße ΑΣΣΟΣ ΟΔΥΣΣΕΥΣ İstanbul ŒUVRE dž ﬁn",
        "a\u{ad}b c\u{200b}d e\u{2060}f g\u{feff}h \u{200e}x\u{200f}",
        " 1 2 3a b4 c'5 6'd 7'8 9;1 ,5 .5 5. -1 a-b a·b a‧b a：b a＇b 1．2 カ_カ",
        "\n\n\n",
        " ",
        "      ",
        "''''''",
        "......1......",
        "a'\nb 1.\n2 x:\r\ny",
    ];

    fn whole(text: &str) -> Vec<&str> {
        text.unicode_words().collect()
    }

    /// The words of `bytes` fed in chunks of `size`, as `read::Reader` feeds them.
    fn chunked(bytes: &[u8], size: usize) -> Result<Vec<String>, NotText> {
        let mut words = Vec::new();
        let mut carried = Vec::new();
        let mut chunks = bytes.chunks(size).peekable();
        while let Some(chunk) = chunks.next() {
            carried.extend_from_slice(chunk);
            let text = whole_words(&carried, chunks.peek().is_none())?;
            words.extend(words_by_line(text).map(str::to_owned));
            let handed_out = text.len();
            carried.drain(..handed_out);
        }
        Ok(words)
    }

    fn assert_same(text: &str) {
        for size in 1..64 {
            let words = chunked(text.as_bytes(), size).expect("it is text");
            assert_eq!(words, whole(text), "chunks of {size} of {text:?}");
        }
    }

    #[test]
    fn chunks_give_the_words_of_the_whole() {
        NASTY.iter().for_each(|text| assert_same(text));
        assert_same(&NASTY.concat());
        assert_same(&NASTY.join("x"));
        assert_same(&NASTY.concat().replace([' ', '\n'], ""));
    }

    #[test]
    fn chunks_of_random_mixtures_give_the_words_of_the_whole() {
        let alphabet: Vec<char> =
            "aB1_ '\".,:;\r\n\t\u{301}\u{200d}\u{ad}👩🇩אकกカ漢Σß-".chars().collect();
        let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
        for _ in 0..2_000 {
            let text: String = (0..40)
                .map(|_| {
                    seed ^= seed << 13;
                    seed ^= seed >> 7;
                    seed ^= seed << 17;
                    alphabet[seed as usize % alphabet.len()]
                })
                .collect();
            for size in [1, 2, 3, 5, 8, 13, 21, 34] {
                let words = chunked(text.as_bytes(), size).expect("it is text");
                assert_eq!(words, whole(&text), "chunks of {size} of {text:?}");
            }
        }
    }

    #[test]
    fn a_giant_word_is_one_word() {
        let giant = "abcdefgh".repeat(128 * 1024);
        for text in [giant.clone(), format!("a {giant} b"), format!("漢字{giant}漢字")] {
            let words = chunked(text.as_bytes(), 256 * 1024).expect("it is text");
            assert_eq!(words, whole(&text));
        }
    }

    #[test]
    fn words_are_counted_in_lower_case() {
        let mut counts = Counts::default();
        count_words("The cat can't\nsee THE cat: ΟΔΥΣΣΕΥΣ, οδυσσεύς", &mut counts);
        let expected =
            [("cat", 2), ("the", 2), ("can't", 1), ("see", 1), ("οδυσσευς", 1), ("οδυσσεύς", 1)];
        assert_eq!(counts.top(9), expected);
    }

    #[test]
    fn lower_case_is_that_of_str() {
        let mut buffer = String::new();
        for word in [
            "",
            "abc",
            "ABC",
            "can't",
            "ÉTÉ",
            "ΟΔΥΣΣΕΥΣ",
            "Σ",
            "ΑΣ'Α",
            "İ",
            "ǅ",
            "ẞ",
            "漢字",
            "3.14",
            "aΣ",
        ] {
            assert_eq!(lower_case(word, &mut buffer), word.to_lowercase());
        }
        for letter in '\0'..=char::MAX {
            let word = letter.to_string();
            assert_eq!(lower_case(&word, &mut buffer), word.to_lowercase());
        }
    }

    #[test]
    fn what_is_no_text_is_refused_wherever_it_comes() {
        for bad in
            [&b"a\0b"[..], b"\xff", b"\xc3(", b"\xe2\x82", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80"]
        {
            let late = ["some words ".repeat(20).as_bytes(), bad].concat();
            for size in 1..64 {
                assert_eq!(chunked(bad, size), Err(NotText), "{bad:?}");
                assert_eq!(chunked(&late, size), Err(NotText), "late {bad:?}");
            }
        }
    }
}
