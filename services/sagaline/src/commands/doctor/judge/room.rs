//! Whether there is room: in each stream, and by the word that orchestrators tell to whoever starts executions.

use sagaline_broker::room::{Admission, CLOSED_FROM_PERCENT};
use sagaline_sdk::client::{Inspection, StreamFacts, StreamKind, StreamState};

use super::{
    super::finding::{Finding, list},
    or_ok,
};
use crate::words;

/// From here on somebody should look.
const NEAR_PERCENT: u64 = 70;

/// Streams that refuse when they are full. The others drop what is oldest, as they should.
pub(super) fn room(facts: &Inspection) -> Vec<Finding> {
    let fills = facts.streams.iter().filter_map(|stream| Some((stream, stream.state()?)));
    let fills = fills.filter(|(_, state)| !state.drops_oldest);
    let fills: Vec<_> = fills.filter_map(|(stream, state)| Some((stream, state, percent(state)?))).collect();
    let near = fills.iter().filter(|(.., percent)| NEAR_PERCENT <= *percent);
    let near = near.map(|(stream, state, percent)| full(stream, state, *percent));
    let findings = facts.admission.as_ref().and_then(closed).into_iter().chain(near).collect();
    or_ok(findings, || {
        let fullest = fills.iter().max_by_key(|(.., percent)| *percent);
        let says = fullest.map_or("no stream has a limit".to_owned(), |(stream, _, percent)| {
            format!(
                "new executions are let in; the fullest stream that could refuse is {}, at {percent} %",
                stream.name
            )
        });
        Finding::ok("room", says)
    })
}

/// What whoever starts is told.
fn closed(word: &Admission) -> Option<Finding> {
    if word.is_open() {
        return None;
    }
    let streams: Vec<String> = word.closed.iter().map(|(stream, percent)| format!("{stream} ({percent} %)")).collect();
    let says = format!("new executions that lead to {} are refused; what runs goes on", list(&streams));
    let todo = "make room as the findings on these streams say; starts are let in again by themselves below 75 %";
    Some(Finding::not_ok("room", says, todo).of("starts"))
}

fn percent(state: &StreamState) -> Option<u64> {
    state.bytes_max.map(|max| words::percent(state.bytes, max))
}

fn full(stream: &StreamFacts, state: &StreamState, percent: u64) -> Finding {
    let max = state.bytes_max.unwrap_or_default();
    let says = format!("{percent} % full: {} of {}", words::bytes(state.bytes), words::bytes(max));
    let cause = match &stream.kind {
        StreamKind::Log(_) => {
            "shorten the history (`--history`), see below whether its checkpoint stands still, or raise its `max_bytes`"
        }
        StreamKind::Queue(_) => "start more workers for this queue, or raise its `max_bytes`",
        StreamKind::Single if stream.name.ends_with("EVENTS") => "see whether a trigger runs, or raise its `max_bytes`",
        StreamKind::Single => "raise its `max_bytes`",
    };
    let todo = format!("{cause} (`nats stream edit {}`); work goes on by itself when there is room", stream.name);
    let finding = if CLOSED_FROM_PERCENT <= percent {
        Finding::not_ok("room", says, todo)
    } else {
        Finding::hint("room", says, todo)
    };
    finding.of(&stream.name)
}

#[cfg(test)]
mod tests {
    use sagaline_model::Moment;
    use sagaline_sdk::client::Found;

    use super::{
        super::{
            super::finding::Verdict,
            facts::{healthy, stream_of},
        },
        *,
    };

    fn filled(name: &str, percent: u64) -> Vec<(Option<String>, Verdict)> {
        let mut facts = healthy();
        if let Found::There(state) = &mut stream_of(&mut facts, name).found {
            state.bytes = state.bytes_max.expect("a limit") * percent / 100;
        }
        room(&facts).into_iter().map(|finding| (finding.thing, finding.verdict)).collect()
    }

    #[test]
    fn room_is_judged_where_a_full_stream_refuses() {
        assert_eq!(filled("RUNS_0", 60), [(None, Verdict::Ok)]);
        assert_eq!(filled("RUNS_0", 75), [(Some("RUNS_0".into()), Verdict::Hint)]);
        assert_eq!(filled("QUEUE_default", 90), [(Some("QUEUE_default".into()), Verdict::NotOk)]);
        // It drops its oldest, as it should.
        assert_eq!(filled("LIFECYCLE", 99), [(None, Verdict::Ok)]);
    }

    #[test]
    fn starts_that_are_refused_are_said_with_the_stream_that_is_full() {
        let closed = [("RUNS_1".to_owned(), 91)].into();
        let admission = Some(Admission { at: Moment::EPOCH, closed, fullest: None });
        let findings = room(&Inspection { admission, ..healthy() });
        assert_eq!((findings.len(), findings[0].verdict), (1, Verdict::NotOk));
        assert!(findings[0].says.contains("RUNS_1 (91 %) are refused"), "{}", findings[0].says);
    }
}
