//! Any text as a part of a subject, such that no two texts become the same.

use crate::{id::LONGEST_NAME, plan::sha256_hex};

/// How much is left of what is too long, before the hash of the whole.
const SHOWN: usize = LONGEST_NAME - 34;

/// Any text as one token of a subject: letters, digits and `-` as they are, every other byte `_xx` in hexadecimal, `_` too. What is
/// too long is cut, with `__` and a hash behind it. So it is distinct for every text, other than [`crate::ExecutionId::encoded`],
/// which leaves what may be an id as it is.
pub fn token_of(text: &str) -> String {
    let mut token = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' => token.push(byte as char),
            other => token.push_str(&format!("_{other:02x}")),
        }
    }
    if LONGEST_NAME < token.len() {
        token.truncate(SHOWN);
        token.push_str("__");
        token.push_str(&sha256_hex(text.as_bytes())[..32]);
    }
    if token.is_empty() {
        token.push('_');
    }
    token
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::ExecutionId;

    #[test]
    fn every_text_has_a_token_of_its_own() {
        let long = ["é".repeat(90), "é".repeat(91), "x".repeat(128), "x".repeat(129)];
        // What a long text becomes is itself a text that somebody may give.
        let cut = long.clone().map(|text| token_of(&text));
        let plain = ["", "_", "a.b", "a_2eb", "a b", "a_20b", "order_id=A-1"].map(str::to_owned);
        let texts: Vec<String> = plain.into_iter().chain(long).chain(cut).collect();
        let tokens: BTreeSet<String> = texts.iter().map(|text| token_of(text)).collect();
        let distinct: BTreeSet<&String> = texts.iter().collect();
        assert_eq!(tokens.len(), distinct.len(), "{tokens:?}");
        assert!(tokens.iter().all(|token| crate::Name::new(token.as_str()).is_ok()));
    }

    #[test]
    fn texts_that_are_one_id_are_two_tokens() {
        for (one, other) in [("a.b", "a_2eb"), ("", "_"), ("a b", "a_20b")] {
            assert_eq!(ExecutionId::encoded(one), ExecutionId::encoded(other));
            assert_ne!(token_of(one), token_of(other));
        }
    }
}
