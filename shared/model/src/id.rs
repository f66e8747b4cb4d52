//! Names and ids: what they may contain, and which partition an id belongs to.

use std::{borrow::Borrow, fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};

/// The longest name or id. It keeps every subject far below what a server takes (4 KiB), whatever is joined.
pub const LONGEST_NAME: usize = 128;

/// Why a text cannot be a name or an id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    #[error("a name may not be empty")]
    Empty,
    #[error("`{0}…` is longer than {LONGEST_NAME} characters")]
    TooLong(String),
    #[error("`{name}` contains `{bad}`; letters, digits, `_` and `-` are allowed{}", if *.dot { ", and single dots between them" } else { "" })]
    BadCharacter { name: String, bad: char, dot: bool },
}

impl NameError {
    /// A name that may have been meant, where words of people are all that is wrong.
    pub fn nearest(&self) -> Option<String> {
        let Self::BadCharacter { name, dot, .. } = self else { return None };
        let joins = |c: char| matches!(c, ' ' | '/' | ':') || (c == '.' && !dot);
        let near: String = name.trim().chars().map(|c| if joins(c) { '_' } else { c }).collect();
        check(&near, *dot).is_ok().then_some(near)
    }
}

fn check(text: &str, dots: bool) -> Result<(), NameError> {
    if text.is_empty() {
        return Err(NameError::Empty);
    }
    if text.len() > LONGEST_NAME {
        return Err(NameError::TooLong(text.chars().take(24).collect()));
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let bad = text.chars().find(|&c| !(plain(c) || dots && c == '.'));
    let stray_dot = dots && (text.starts_with('.') || text.ends_with('.') || text.contains(".."));
    match bad.or(stray_dot.then_some('.')) {
        Some(bad) => Err(NameError::BadCharacter { name: text.to_owned(), bad, dot: dots }),
        None => Ok(()),
    }
}

macro_rules! checked_text {
    ($(#[$doc:meta])* $name:ident, dots: $dots:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Takes the text if it may be one.
            pub fn new(text: impl Into<String>) -> Result<Self, NameError> {
                let text = text.into();
                check(&text, $dots)?;
                Ok(Self(text.into()))
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;
            fn try_from(text: String) -> Result<Self, NameError> {
                Self::new(text)
            }
        }

        impl FromStr for $name {
            type Err = NameError;
            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                (*name.0).to_owned()
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }
    };
}

checked_text! {
    /// The id of an execution: `[A-Za-z0-9_-]{1,128}`. It is one token of a subject.
    ExecutionId, dots: false
}

checked_text! {
    /// The name of a workflow, step, queue or signal: `[A-Za-z0-9_-]{1,128}`. It is one token of a subject.
    Name, dots: false
}

checked_text! {
    /// The name of an activity; dots may structure it (`payments.charge`).
    ActivityName, dots: true
}

impl ActivityName {
    /// The one subject token of this name: a dot becomes `~`, which no name contains.
    pub fn token(&self) -> String {
        self.0.replace('.', "~")
    }
}

/// How much of the parent's id and of the step's name a child's id shows.
const PARENT_SHOWN: usize = 80;
const STEP_SHOWN: usize = 24;

impl ExecutionId {
    /// The id of what is started at this place of an execution, always the same: what can be read of it is for people, and the
    /// hash tells it from all others.
    pub fn of_child(&self, place: &str) -> Self {
        let hash = crate::plan::sha256_hex(format!("{self}\n{place}").as_bytes());
        let parent = &self.0[..self.0.len().min(PARENT_SHOWN)];
        let step = place.rsplit('/').next().unwrap_or(place).replace(':', "-");
        let step: String = step.chars().take(STEP_SHOWN).collect();
        Self(format!("{parent}-{step}-{}", &hash[..16]).into())
    }

    /// An id for any text: the text itself where it may be one; otherwise every other byte is written `_xx` in hexadecimal
    /// (as is `_` itself), and what is too long ends in the hash of the whole.
    pub fn encoded(text: &str) -> Self {
        if let Ok(id) = Self::new(text) {
            return id;
        }
        let mut encoded = String::new();
        for byte in text.bytes() {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' => encoded.push(byte as char),
                other => encoded.push_str(&format!("_{other:02x}")),
            }
        }
        if encoded.len() > LONGEST_NAME {
            let hash = crate::plan::sha256_hex(text.as_bytes());
            encoded.truncate(LONGEST_NAME - 33);
            encoded.push('-');
            encoded.push_str(&hash[..32]);
        }
        if encoded.is_empty() {
            encoded.push('_');
        }
        Self(encoded.into())
    }
}

/// The partition of an id among `partitions`: 32-bit FNV-1a of its bytes, modulo. Every client computes the same.
pub fn partition_of(id: &str, partitions: u32) -> u32 {
    fnv1a(id.as_bytes()) % partitions.max(1)
}

/// 32-bit FNV-1a.
pub fn fnv1a(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_published_fnv1a() {
        assert_eq!(fnv1a(b""), 0x811c_9dc5);
        assert_eq!(fnv1a(b"a"), 0xe40c_292c);
        assert_eq!(fnv1a(b"foobar"), 0xbf9c_f968);
    }

    /// These stand in docs/protocol.md: a client in another language must compute the same.
    #[test]
    fn golden_partitions() {
        let of = |id| (partition_of(id, 2), partition_of(id, 16));
        assert_eq!([of("order-1"), of("order-2"), of("a"), of("")], [(1, 13), (0, 4), (0, 12), (1, 5)]);
    }

    #[test]
    fn an_id_is_one_subject_token() {
        assert!(ExecutionId::new("order-1_A").is_ok());
        for bad in ["", "a.b", "a b", "a*", "a>", "é", &"x".repeat(129)] {
            assert!(ExecutionId::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn other_texts_are_encoded_to_distinct_ids() {
        assert_eq!(ExecutionId::encoded("order-1").as_str(), "order-1");
        assert_eq!(ExecutionId::encoded("a.b").as_str(), "a_2eb");
        assert_ne!(ExecutionId::encoded(&"é".repeat(90)), ExecutionId::encoded(&"é".repeat(91)));
        assert!(ExecutionId::encoded(&"é".repeat(90)).as_str().len() <= LONGEST_NAME);
    }

    #[test]
    fn a_child_has_an_id_of_its_own_that_is_always_the_same() {
        let parent = ExecutionId::new("order-1").expect("an id");
        assert_eq!(parent.of_child("ship/item:3").as_str(), "order-1-item-3-15b38dd6a0e31195");
        let long = ExecutionId::new("x".repeat(LONGEST_NAME)).expect("an id");
        let place = format!("{}/{}", "a".repeat(128), "b".repeat(128));
        let child = long.of_child(&place);
        assert!(ExecutionId::new(child.as_str()).is_ok());
        assert_ne!(child, long.of_child(&format!("{place}:2")));
        assert_ne!(child, child.of_child(&place));
    }

    #[test]
    fn an_activity_name_becomes_one_token() {
        let name = ActivityName::new("payments.charge").expect("a name");
        assert_eq!(name.token(), "payments~charge");
        for bad in [".a", "a.", "a..b", "a b"] {
            assert!(ActivityName::new(bad).is_err(), "{bad}");
        }
    }
}
