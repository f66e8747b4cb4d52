//! The server that answered, and this machine's clock beside it.

use sagaline_model::Span;
use sagaline_sdk::client::Inspection;

use super::super::finding::Finding;
use crate::words;

/// From here on the account's limit is near.
const NEAR_PERCENT: u64 = 70;
const FULL_PERCENT: u64 = 85;
/// A difference that nobody notices.
const CLOCK_FINE_NS: i64 = 500_000_000;
/// Timers are kept by the server's clock, so that even this breaks nothing; leases and logs are hard to compare then.
const CLOCK_BAD_NS: i64 = 5_000_000_000;

pub(super) fn server(facts: &Inspection) -> Vec<Finding> {
    let server = &facts.server;
    let says = format!(
        "nats-server {} at {}, JetStream with API level {}; {} stored",
        server.version,
        server.address,
        server.api_level,
        words::bytes(server.stored_bytes)
    );
    let mut findings = vec![Finding::ok("server", says)];
    if let Some(max) = server.stored_bytes_max {
        let percent = words::percent(server.stored_bytes, max);
        let says = format!("the account stores {percent} % of the {} that it may", words::bytes(max));
        let todo = "raise the account's `max_file` of JetStream, or store less: `sagaline doctor` names full streams";
        if FULL_PERCENT <= percent {
            findings.push(Finding::not_ok("room", says, todo).of("account"));
        } else if NEAR_PERCENT <= percent {
            findings.push(Finding::hint("room", says, todo).of("account"));
        }
    }
    findings
}

pub(super) fn clock(facts: &Inspection) -> Vec<Finding> {
    let Some(clock) = facts.clock else {
        return vec![Finding::hint("clock", "the server's time could not be asked for", "see the other findings")];
    };
    // What is within the time that the question took cannot be told from nothing.
    let within = i64::try_from(clock.within.as_nanos()).unwrap_or(i64::MAX);
    let apart = clock.ahead_ns.saturating_abs().saturating_sub(within / 2).max(0);
    let millis = apart / 1_000_000;
    let side = if clock.ahead_ns < 0 { "behind" } else { "ahead of" };
    let says = format!("this machine is {} {side} the server", words::took(Span::from_nanos(apart.unsigned_abs())));
    let todo = "run a time service (chrony, systemd-timesyncd) on this machine and on those of nats-server";
    vec![match apart {
        0..=CLOCK_FINE_NS => Finding::ok("clock", format!("this machine and the server agree to {millis} ms")),
        ..=CLOCK_BAD_NS => Finding::hint("clock", says, todo),
        _ => Finding::not_ok("clock", says, todo),
    }]
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use sagaline_sdk::client::ClockFacts;

    use super::{
        super::{super::finding::Verdict, facts::healthy},
        *,
    };

    fn clock_of(ahead_ms: i64, within_ms: u64) -> Finding {
        let clock = ClockFacts { ahead_ns: ahead_ms * 1_000_000, within: Duration::from_millis(within_ms) };
        clock_finding(Some(clock))
    }

    fn clock_finding(clock: Option<ClockFacts>) -> Finding {
        clock_judged(&Inspection { clock, ..healthy() })
    }

    fn clock_judged(facts: &Inspection) -> Finding {
        super::clock(facts).remove(0)
    }

    #[test]
    fn clocks_that_differ_by_seconds_are_said_with_the_side() {
        assert_eq!(clock_of(3, 2).verdict, Verdict::Ok);
        assert_eq!(clock_of(-1500, 2).says, "this machine is 1.5s behind the server");
        assert_eq!(clock_of(-1500, 2).verdict, Verdict::Hint);
        assert_eq!(clock_of(9000, 2).verdict, Verdict::NotOk);
        assert!(clock_of(9000, 2).says.contains("ahead of"));
    }

    #[test]
    fn a_slow_answer_is_no_difference() {
        assert_eq!(clock_of(900, 1800).verdict, Verdict::Ok);
        assert_eq!(clock_finding(None).verdict, Verdict::Hint);
    }

    #[test]
    fn an_account_that_is_nearly_full_is_not_ok() {
        let of = |stored_bytes| {
            let mut facts = healthy();
            (facts.server.stored_bytes, facts.server.stored_bytes_max) = (stored_bytes, Some(1000));
            server(&facts).into_iter().map(|finding| finding.verdict).collect::<Vec<_>>()
        };
        assert_eq!(of(100), [Verdict::Ok]);
        assert_eq!(of(750), [Verdict::Ok, Verdict::Hint]);
        assert_eq!(of(900), [Verdict::Ok, Verdict::NotOk]);
    }
}
