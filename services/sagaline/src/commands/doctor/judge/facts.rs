//! A system with nothing wrong, for tests that break one thing of it.

use std::time::Duration;

use sagaline_events::ask::PartitionView;
use sagaline_model::{ActivityName, EventSource, Moment, Name};
use sagaline_sdk::client::{
    ClockFacts, ConsumerFacts, Found, Inspection, LeaseHolder, OwnerFacts, PartitionFacts, QueueFacts, Rejected,
    RejectedFacts, Served, ServerFacts, SourceFacts, SourcePlace, StreamFacts, StreamKind, StreamState, Work,
};

pub(super) fn healthy() -> Inspection {
    let queue = || Name::new("default").expect("a name");
    let activity = ActivityName::new("orders.pack").expect("a name");
    let consumer =
        ConsumerFacts { name: activity.token(), held_max: Some(10_000), requests: 1, ..ConsumerFacts::default() };
    let streams = [
        ("KV_partitions", StreamKind::Single),
        ("KV_results", StreamKind::Single),
        ("LIFECYCLE", StreamKind::Single),
        ("RUNS_0", StreamKind::Log(0)),
        ("RUNS_1", StreamKind::Log(1)),
        ("QUEUE_default", StreamKind::Queue(queue())),
    ];
    Inspection {
        namespace: "sagaline".into(),
        server: ServerFacts { version: "2.15.1".into(), api_level: 5, ..ServerFacts::default() },
        clock: Some(ClockFacts { ahead_ns: 0, within: Duration::from_millis(1) }),
        streams: streams.into_iter().map(|(name, kind)| stream(name, kind)).collect(),
        queues: vec![QueueFacts {
            queue: queue(),
            tasks: 0,
            consumers: Some(vec![consumer.clone()]),
            unserved: vec![],
        }],
        intake: Served::By(ConsumerFacts { name: "trigger".into(), ..consumer.clone() }),
        work: Work { activities: vec![(queue(), activity)], events_start: true },
        partitions: (0..2).map(partition).collect(),
        rejected: RejectedFacts::default(),
        members: Some(vec!["o-1".into()]),
        compensators: Some(vec!["c-1".into()]),
        schedulers: Some(vec!["s-1".into()]),
        admission: None,
        sources: Some(vec![source(consumer)]),
    }
}

fn source(consumer: ConsumerFacts) -> SourceFacts {
    let source = EventSource { stream: Some("SHOP".into()), ..EventSource::default() };
    let served = Served::By(ConsumerFacts { name: "trigger-shop".into(), ..consumer });
    let place = SourcePlace::There { stream: "SHOP".into(), served };
    SourceFacts { name: Name::new("shop").expect("a name"), source, place, set_aside: None }
}

fn stream(name: &str, kind: StreamKind) -> StreamFacts {
    let state = StreamState {
        bytes: 10,
        bytes_max: Some(1000),
        drops_oldest: matches!(name, "LIFECYCLE" | "KV_results"),
        copies: 1,
        ..StreamState::default()
    };
    StreamFacts { name: name.into(), kind, found: Found::There(state) }
}

pub(super) fn stream_of<'a>(facts: &'a mut Inspection, name: &str) -> &'a mut StreamFacts {
    facts.streams.iter_mut().find(|stream| stream.name == name).expect("a stream of this name")
}

fn partition(partition: u32) -> PartitionFacts {
    PartitionFacts {
        partition,
        lease: Some(LeaseHolder { owner: "o-1".into(), since: Moment::EPOCH }),
        checkpoint: Some(101),
        owner: OwnerFacts::Told(view(partition)),
        head: 100,
        head_at: Some(Moment::from_millis(1000)),
    }
}

/// An owner that has applied everything.
pub(super) fn view(partition: u32) -> PartitionView {
    PartitionView {
        partition,
        epoch: 1,
        live: true,
        applied: 100,
        applied_at: Moment::from_millis(1000),
        checkpoint: 101,
        open: 3,
        loaded: 3,
        in_flight: 0,
    }
}

pub(super) fn a_rejected_message() -> Rejected {
    Rejected {
        sequence: 7,
        time: Moment::EPOCH,
        reason: "bad_input".into(),
        detail: "no such type".into(),
        from_stream: Some("RUNS_0".into()),
        from_sequence: Some(3),
        subject: None,
        headers: None,
        truncated_from: None,
        payload: vec![].into(),
    }
}
