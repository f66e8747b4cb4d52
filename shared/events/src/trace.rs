//! Where in a trace something stands: W3C trace context, and the ids that an execution gives its spans.
//!
//! Ids are derived from names, never drawn: whoever folds the same log, a second time or on another machine, speaks of the same
//! spans. They are no secret and no identity; nothing is decided by them.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A span, as whoever hangs on to it needs to know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TraceContext {
    /// Never 0.
    pub trace: u128,
    /// Never 0.
    pub span: u64,
    /// Whether spans of this trace are kept.
    pub sampled: bool,
}

/// A text that is no `traceparent`. It comes from outside, so it is not repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a W3C `traceparent`")]
pub struct BadTraceparent;

/// The bit of the flags that says that spans are kept.
const SAMPLED: u8 = 1;

impl FromStr for TraceContext {
    type Err = BadTraceparent;

    /// Reads version 00, and of later ones what they have in common with it.
    fn from_str(text: &str) -> Result<Self, BadTraceparent> {
        let mut parts = text.split('-');
        let mut hex = |digits: usize| {
            let part = parts.next().filter(|part| part.len() == digits);
            let part = part.filter(|part| part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')));
            part.and_then(|part| u128::from_str_radix(part, 16).ok()).ok_or(BadTraceparent)
        };
        let (version, trace, span, flags) = (hex(2)?, hex(32)?, hex(16)?, hex(2)?);
        let ends = if version == 0 { parts.next().is_none() } else { version != 0xff };
        let span = u64::try_from(span).map_err(|_| BadTraceparent)?;
        if !ends || trace == 0 || span == 0 {
            return Err(BadTraceparent);
        }
        Ok(Self { trace, span, sampled: flags & u128::from(SAMPLED) != 0 })
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flags = if self.sampled { SAMPLED } else { 0 };
        write!(f, "00-{:032x}-{:016x}-{flags:02x}", self.trace, self.span)
    }
}

impl TryFrom<String> for TraceContext {
    type Error = BadTraceparent;

    fn try_from(text: String) -> Result<Self, BadTraceparent> {
        text.parse()
    }
}

impl From<TraceContext> for String {
    fn from(context: TraceContext) -> Self {
        context.to_string()
    }
}

/// The trace of an execution that was started without one.
pub fn trace_of(namespace: &str, execution: &str) -> u128 {
    derived(&["trace", namespace, execution])
}

/// The span of a whole execution.
pub fn span_of_execution(execution: &str) -> u64 {
    span(&["execution", execution])
}

/// The span of a step, over all of its attempts.
pub fn span_of_step(execution: &str, path: &str) -> u64 {
    span(&["step", execution, path])
}

/// The span of what the trigger did to start an execution.
pub fn span_of_trigger(execution: &str) -> u64 {
    span(&["trigger", execution])
}

fn span(names: &[&str]) -> u64 {
    let derived = derived(names);
    // Half of it is as good as all of it.
    let half = (derived >> 64) as u64 ^ derived as u64;
    half.max(1)
}

/// 128-bit FNV-1a, and a mixing of it: samplers go by some of the bits, so that all of them must depend on all of the text.
fn derived(names: &[&str]) -> u128 {
    const BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    // What ends a name is no character of one, so that `a` + `bc` is told from `ab` + `c`.
    let bytes = names.iter().flat_map(|name| name.bytes().chain([0]));
    let hash = bytes.fold(BASIS, |hash, byte| (hash ^ u128::from(byte)).wrapping_mul(PRIME));
    let (high, low) = ((hash >> 64) as u64, hash as u64);
    let low = mixed(low ^ high.rotate_left(32));
    let high = mixed(high ^ low);
    (u128::from(high) << 64 | u128::from(low)).max(1)
}

/// The finaliser of MurmurHash3.
fn mixed(mut bits: u64) -> u64 {
    bits = (bits ^ bits >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
    bits = (bits ^ bits >> 33).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    bits ^ bits >> 33
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const TEXT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn a_traceparent_is_written_as_it_was_read() {
        let context: TraceContext = TEXT.parse().expect("a traceparent");
        assert_eq!((context.span, context.sampled), (0xb7ad_6b71_6920_3331, true));
        assert_eq!(context.to_string(), TEXT);
        let unsampled = TEXT.replace("-01", "-00");
        assert_eq!(unsampled.parse::<TraceContext>().expect("one too").to_string(), unsampled);
        let later = format!("{}-more", TEXT.replacen("00", "01", 1));
        assert_eq!(later.parse(), Ok(context), "what a later version adds is left out");
    }

    #[test]
    fn what_is_no_traceparent_is_refused() {
        let zero_trace = format!("00-{:032x}-b7ad6b7169203331-01", 0);
        let zero_span = format!("00-0af7651916cd43dd8448eb211c80319c-{:016x}-01", 0);
        let more = format!("{TEXT}-more");
        let upper = TEXT.to_uppercase();
        for text in ["", "00", "ff-", &TEXT[1..], &TEXT.replacen("00", "ff", 1), &zero_trace, &zero_span, &more, &upper]
        {
            assert_eq!(text.parse::<TraceContext>(), Err(BadTraceparent), "{text}");
        }
    }

    /// Owners of different versions fold the same executions: these never change.
    #[test]
    fn golden_ids() {
        assert_eq!(format!("{:032x}", trace_of("sagaline", "order-1")), "b9dbae91cf78258c6b0e8351d5474639");
        assert_eq!(format!("{:016x}", span_of_execution("order-1")), "e22b00d1da805cb5");
        assert_eq!(format!("{:016x}", span_of_step("order-1", "charge")), "cf22e5d74505e87d");
        assert_eq!(format!("{:016x}", span_of_trigger("order-1")), "d8d355cbfd853a9d");
    }

    #[test]
    fn alike_names_give_ids_that_differ_in_about_half_of_their_bits() {
        let traces: BTreeSet<u128> = (0..1000).map(|number| trace_of("sagaline", &format!("order-{number}"))).collect();
        assert_eq!(traces.len(), 1000);
        let one = trace_of("sagaline", "order-1");
        for other in [trace_of("sagaline", "order-2"), trace_of("team", "order-1")] {
            let bits = (one ^ other).count_ones();
            assert!((40..=88).contains(&bits), "{bits}");
        }
        let spans = [span_of_step("a", "bc"), span_of_step("ab", "c"), span_of_execution("a"), span_of_trigger("a")];
        assert_eq!(spans.iter().collect::<BTreeSet<_>>().len(), spans.len());
        // Samplers by ratio go by the lower half.
        let kept = traces.iter().filter(|trace| (**trace as u64) < u64::MAX / 4).count();
        assert!((200..=300).contains(&kept), "{kept}");
    }
}
