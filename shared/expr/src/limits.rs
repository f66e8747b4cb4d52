//! How large an expression may be, and how much its evaluation may cost.
//!
//! Definitions come from users, and one owner evaluates the expressions of many executions in turn: whatever one of
//! them costs, the others wait for. Every bound is counted, never timed, so that it falls the same on every machine.

/// The text of one expression. The longest conditions people write fill a few lines; 4 KiB is fifty.
pub const MAX_SOURCE_BYTES: usize = 4096;

/// Brackets and `? :` inside each other. The parser of `cel` takes 150 KiB of stack for each in a debug build (a thread
/// of 2 MiB dies at twelve), so parsing has a stack of its own, and this times that stays well within it.
pub const MAX_NESTING: usize = 32;

/// Operators and selections on top of each other, brackets included: `a + b + c` is two deep. Recursion over the tree
/// is this deep at most.
pub const MAX_DEPTH: usize = 100;

/// Nodes of the tree: names, literals, operators, calls. More than a legible expression has by far.
pub const MAX_NODES: usize = 1024;

/// Macros (`map`, `filter`, `all`, `exists`, `exists_one`) inside the body of another: one list within another can be
/// walked, a third makes the cost the cube of the input.
pub const MAX_MACRO_NESTING: usize = 2;

/// Steps of one evaluation, or of one rendering with all its expressions: a node evaluated, an element visited or
/// compared, 16 bytes of text looked at. A filter over 20,000 items fits. The dearest mixes found take 30 ms in a release
/// build on a small machine (`tests/cost.rs` measures them); a common condition takes under ten steps.
pub const MAX_WORK: usize = 400_000;

/// Bytes that one evaluation, or one rendering, may build: texts and lists on the way, and the result as JSON. A message
/// is at most 1 MiB and larger payloads are stored elsewhere, so that a template may put several together, and doubling
/// a text inside a macro ends soon.
pub const MAX_BUILT_BYTES: usize = 4 << 20;

/// The compiled size of one pattern of `matches`: enough for `^.{1,100}$`. Matching takes time in proportion to the text
/// and, at worst, to this, so a byte of text is a step for each KiB of it.
pub const MAX_PATTERN_BYTES: usize = 256 << 10;

/// How deep a template may nest. What comes from JSON text is never deeper than 128.
pub const MAX_TEMPLATE_DEPTH: usize = 128;
