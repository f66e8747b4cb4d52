//! `dead` and `retry`: what failed is found, mended, tried again and thrown away.

use rustix::process::Signal;

use crate::{
    common::{Folder, eventually},
    dev::{Dev, SOON, at},
};

const BROKEN: &str = "
workflow: kept
dead_letter: true
steps:
  a: { activity: echo, input: { n: 7 } }
  b: { after: a, activity: fail, input: { error: { type: Broken, message: 'as it was told to' } } }
";

#[test]
fn what_failed_is_listed_shown_tried_again_and_thrown_away() {
    let (dev, folder) = (Dev::start(&["--output", "json"]), Folder::new());
    let url = dev.ready()["nats_url"].take();
    assert_eq!(at(&url, &["dead", "list"]).ends_with(0).stderr.trim(), "there are no dead letters");
    at(&url, &["apply", &folder.file("kept.yaml", BROKEN)]).ends_with(0);
    at(&url, &["start", "kept", "--id", "k-1", "--wait"]).ends_with(1);
    let listed = || at(&url, &["dead", "list", "--workflow", "kept", "--output", "json"]).ends_with(0).json();
    eventually("its letter is there", SOON, || !listed().is_empty());
    assert_eq!((&listed()[0]["execution"], &listed()[0]["failed_step"]), (&"k-1".into(), &"b".into()));
    let shown = at(&url, &["dead", "get", "k-1"]).ends_with(0);
    assert!(
        shown.stdout.contains("Broken: as it was told to") && shown.stdout.contains("done:      a"),
        "{}",
        shown.stdout
    );

    // Mended, by another version.
    let mended = BROKEN.replace("activity: fail", "activity: echo");
    at(&url, &["apply", &folder.file("mended.yaml", &mended)]).ends_with(0);
    let again = at(&url, &["retry", "k-1", "--wait", "--output", "json"]).ends_with(0).json();
    assert_eq!((&again[0]["status"], &again[0]["output"]["n"]), (&"completed".into(), &7.into()));
    let twice = at(&url, &["retry", "k-1"]).ends_with(0);
    assert!(twice.stdout.contains("existing: true"), "{}", twice.stdout);
    let unknown = at(&url, &["retry", "k-1", "--from", "zero"]).ends_with(1);
    assert!(unknown.stderr.contains("`zero` is no step of `kept` version 2 itself"), "{}", unknown.stderr);

    at(&url, &["dead", "discard", "k-1"]).ends_with(0);
    let gone = at(&url, &["retry", "k-1"]).ends_with(1);
    assert!(gone.stderr.contains("`k-1` left no dead letter, or it is gone"), "{}", gone.stderr);
    let later = at(&url, &["start", "kept", "--from", "b", "--wait", "--output", "json"]).ends_with(0).json();
    assert_eq!(later[0]["steps"][0]["status"], "skipped");
    dev.signal(Signal::TERM);
    assert!(dev.end().0.success());
}
