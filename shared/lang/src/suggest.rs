//! "Did you mean": the word of a list that a mistyped one is nearest to, or that one of other tools stands for.

use crate::elsewhere::{called_here, said_here};

/// The word that was meant by one that is none: what that is called here, or what is written nearly so.
pub(crate) fn meant<'a>(typed: &str, words: impl Iterator<Item = &'a str> + Clone) -> Option<&'a str> {
    called_here(typed, words.clone()).or_else(|| nearest(typed, words))
}

/// What to do about a key that is none: the word that was meant, or what else to write.
pub(crate) fn instead<'a>(typed: &str, words: impl Iterator<Item = &'a str> + Clone) -> Option<String> {
    let said = said_here(typed, words.clone()).map(str::to_owned);
    said.or_else(|| meant(typed, words).map(|word| format!("did you mean `{word}`?")))
}

/// The nearest of `words`, if it is near enough to be what was meant.
pub fn nearest<'a>(typed: &str, words: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Names are at most 128 characters long; what is longer is no typing mistake.
    if typed.len() > 200 {
        return None;
    }
    let lower = typed.to_lowercase();
    let letters: Vec<char> = lower.chars().collect();
    let allowed = (letters.len() / 3).max(1);
    let mut best: Option<(usize, &str)> = None;
    for word in words {
        let limit = best.map_or(allowed, |(distance, _)| distance.saturating_sub(1));
        match distance_within(&letters, word, limit) {
            Some(0) => return Some(word),
            Some(distance) => best = Some((distance, word)),
            None => {}
        }
    }
    best.map(|(_, word)| word)
}

/// How many letters must be added, dropped, changed or swapped with their neighbour; `None` if more than `limit`.
fn distance_within(typed: &[char], word: &str, limit: usize) -> Option<usize> {
    let word: Vec<char> = word.to_lowercase().chars().collect();
    if typed.len().abs_diff(word.len()) > limit {
        return None;
    }
    let mut before: Vec<usize> = vec![];
    let mut above: Vec<usize> = (0..=word.len()).collect();
    for (i, a) in typed.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in word.iter().enumerate() {
            let mut cost = (above[j] + usize::from(a != b)).min(above[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && typed[i - 1] == *b && *a == word[j - 1] {
                cost = cost.min(before[j - 1] + 1);
            }
            row.push(cost);
        }
        before = std::mem::replace(&mut above, row);
    }
    above.last().copied().filter(|distance| *distance <= limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_nearly_a_word_finds_it() {
        let words = ["activity", "after", "await", "when"];
        assert_eq!(nearest("activty", words), Some("activity"));
        assert_eq!(nearest("atfer", words), Some("after"));
        assert_eq!(nearest("When", words), Some("when"));
        assert_eq!(nearest("colour", words), None);
        assert_eq!(nearest("", words), None);
    }
}
