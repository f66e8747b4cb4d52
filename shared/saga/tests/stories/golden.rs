//! Snapshots are read by every later version: what is recorded stays as it is.

use std::{env, fs, path::PathBuf};

use sagaline_events::{SagaInput, UndoStep};
use sagaline_model::Span;
use sagaline_saga::Saga;
use serde_json::Value;

use crate::story::{Story, action, joint, request, step, unknown};

fn is_promised(name: &str, saga: &Saga) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden").join(format!("{name}.json"));
    let json: Value = serde_json::from_slice(&saga.to_snapshot()).unwrap();
    let written = format!("{}\n", serde_json::to_string_pretty(&json).unwrap());
    if env::var_os("SAGALINE_BLESS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &written).unwrap();
    }
    let recorded = fs::read_to_string(&path)
        .unwrap_or_else(|fault| panic!("`{}`: {fault}; SAGALINE_BLESS=1 writes it", path.display()));
    assert_eq!(recorded, written, "`{name}` is not written as it is recorded");
    assert_eq!(&Saga::from_snapshot(recorded.as_bytes()).unwrap(), saga, "`{name}` is not read as it was meant");
}

#[test]
fn snapshots_are_written_and_read_as_recorded() {
    let mut recalling = Story::unasked();
    recalling.late("a", 1).input(SagaInput::Request(request(vec![unknown(step("a", &[]))])));
    is_promised("recalling", &recalling.saga);

    let two = UndoStep { actions: vec![action("one"), action("two")], ..step("b", &[]) };
    let steps = vec![
        unknown(step("a", &[5])),
        two,
        step("c", &[]),
        step("d", &[]),
        step("e", &[]),
        joint("j", &[1, 2, 3, 4]),
        step("f", &[]),
    ];
    let mut running = Story::of(steps);
    running.done("b").fails("c").fails_for_good("d").done("e").snoozes("f", Span::from_secs(60));
    running.late("a", 1);
    is_promised("running", &running.saga);

    running.retry(None).done("d").done("b").timer().skip("c");
    running.done("c").done("a");
    is_promised("hearing", &running.timer().done("f").saga);
    running.timer();
    is_promised("over", &running.saga);

    let view = recalling.recalled(None).saga.overview().unwrap();
    let aside = Saga::set_aside(view.execution.clone(), view, "a defect".into(), recalling.now);
    is_promised("set_aside", &aside);
}
