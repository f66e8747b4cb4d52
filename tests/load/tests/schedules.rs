//! `schedules`, short: it measures what it says it does, on a real server with real services.

use sagaline_crash::Programs;
use sagaline_load::schedules::{Settings, run};

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_scheduler_misses_no_tick_of_its_schedules() {
    let programs = Programs::built().path("");
    let settings =
        Settings { programs, schedules: vec![200], rate: 100, together: false, partitions: 2, before: 3, seconds: 4 };
    let measured = run(&settings, |line| println!("{line}")).await.expect("it is measured");
    let [run] = &measured[..] else { panic!("{measured:?}") };
    assert_eq!((run.schedules, run.every_ms, run.missed, run.doubled), (200, 2_000, 0, 0), "{run:?}");
    // Before it was killed, while nobody was there, and afterwards.
    assert!(run.ticks >= 100 * (3 + 3 + 4) && run.ticking.per_second > 50.0, "{run:?}");
    assert!(run.restart.first_tick_ms <= run.restart.caught_up_ms, "{run:?}");
    // An allocator gives memory back, so which of them is the most is not known.
    assert!(run.memory.most > 0 && run.memory.restarted > 0 && run.memory.known > 0, "{run:?}");
}
