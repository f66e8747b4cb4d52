//! How the inputs of a log stand on the wire: a CloudEvent type for each variant, and JSON data. Written once for all who have a log.

use serde::de::DeserializeOwned;

/// A message on a log that is no input.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    #[error("`{0}` is not a type of input; docs/protocol.md lists them")]
    UnknownType(String),
    #[error("the data of a `{kind}` cannot be read")]
    BadData { kind: String, source: serde_json::Error },
}

pub(crate) fn data_of<T: DeserializeOwned>(kind: &str, data: &[u8]) -> Result<T, InputError> {
    // No data at all is the same as an object without fields.
    let data = if data.is_empty() { b"{}" } else { data };
    serde_json::from_slice(data).map_err(|source| InputError::BadData { kind: kind.to_owned(), source })
}

/// Gives an enum of inputs its types: a list of them, `kind`, `data` and `read`. Each variant holds one thing, whose JSON is the data;
/// where there is a variant for inputs of another family, `else Variant(read)` says how those are read.
macro_rules! inputs_on_the_wire {
    (
        $(#[$doc:meta])*
        $types:ident: $prefix:literal for $inputs:ident { $($variant:ident => $name:literal),+ $(,)? }
        $(else $other:ident($read_other:path))?
    ) => {
        $(#[$doc])*
        pub const $types: &[&str] = &[$(concat!($prefix, $name, ".v1")),+];

        impl $inputs {
            /// The CloudEvent type.
            pub fn kind(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => concat!($prefix, $name, ".v1"),)+
                    $(Self::$other(input) => input.kind(),)?
                }
            }

            /// The JSON data.
            pub fn data(&self) -> Vec<u8> {
                let json = match self {
                    $(Self::$variant(data) => serde_json::to_vec(data),)+
                    $(Self::$other(input) => return input.data(),)?
                };
                json.expect("inputs have string keys only")
            }

            /// Reads what `kind` and `data` wrote.
            pub fn read(kind: &str, data: &[u8]) -> Result<Self, $crate::InputError> {
                match kind {
                    $(concat!($prefix, $name, ".v1") => $crate::wire::data_of(kind, data).map(Self::$variant),)+
                    other => $crate::wire::inputs_on_the_wire!(@other other, data $(, $other, $read_other)?),
                }
            }
        }
    };
    (@other $kind:ident, $data:ident) => {
        Err($crate::InputError::UnknownType($kind.to_owned()))
    };
    (@other $kind:ident, $data:ident, $other:ident, $read_other:path) => {
        $read_other($kind, $data).map(Self::$other)
    };
}

pub(crate) use inputs_on_the_wire;
