//! How large a schema may be, and how much a check may cost.

/// A schema as JSON. One of a hundred keys with descriptions has ten.
pub const LARGEST_BYTES: usize = 64 << 10;

/// Schemas inside each other, those that are referred to included. Checking recurses so deep.
pub const DEEPEST: usize = 32;

/// Subschemas, and options of `enum`, each counted as often as something refers to it: no value of an input is looked at more
/// often than this. Without it twenty definitions, each using the next one twice, would look a million times.
pub const MOST_RULES: usize = 2000;

/// The compiled size of one pattern: enough for `^.{1,100}$`. Matching takes time in proportion to the text.
pub(crate) const LARGEST_PATTERN_BYTES: usize = 256 << 10;

/// Rules times values of an input, at most. Whoever asks for more is refused: a check may take a second, not a minute.
pub const EFFORT_MAX: usize = 50_000_000;

/// Above so much, only the first violation is told: listing all of them takes memory in proportion.
pub(crate) const LISTING_EFFORT_MAX: usize = 1_000_000;

/// So many violations are told; more are counted.
pub const MOST_VIOLATIONS: usize = 100;
