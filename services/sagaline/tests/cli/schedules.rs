//! `schedules`: made, looked at, paused, changed and deleted; and those that definitions bring.

use rustix::process::Signal;

use crate::{
    common::{Folder, eventually},
    dev::{Dev, SOON, at},
};

const REPORT: &str = "workflow: report\nsteps: { a: { activity: noop } }\n";

fn ends(dev: Dev) {
    dev.signal(Signal::TERM);
    assert!(dev.end().0.success());
}

#[test]
fn a_schedule_is_made_looked_at_changed_and_deleted() {
    let (dev, folder) = (Dev::start(&["--output", "json"]), Folder::new());
    let url = dev.ready()["nats_url"].take();
    at(&url, &["apply", &folder.file("report.yaml", REPORT)]).ends_with(0);
    let create = ["schedules", "create", "nightly", "--workflow", "report", "--cron"];
    let bad = at(&url, &[&create[..], &["0 25 * * *", "--timezone", "Berlin"]].concat()).ends_with(65).stderr;
    assert!(bad.contains("in the field `hour`, column 3 of `0 25 * * *`") && bad.contains("`Europe/Berlin`"), "{bad}");
    let good = [&create[..], &["0 6 * * *", "--timezone", "Europe/Berlin", "--overlap", "skip"]].concat();
    let made = at(&url, &good).ends_with(0).stdout;
    let ticks =
        made.lines().skip_while(|line| !line.starts_with("next")).take_while(|line| !line.starts_with("so far"));
    assert_eq!(ticks.count(), 5, "the next five ticks: {made}");
    assert!(made.contains("`0 6 * * *`, in Europe/Berlin") && made.contains("0 fired, 0 skipped"), "{made}");
    let again = at(&url, &good).ends_with(1).stderr;
    assert!(again.contains("there is a schedule `nightly` already") && again.contains("schedules update"), "{again}");

    let paused = at(&url, &["schedules", "pause", "nightly", "--note", "a holiday", "--by", "ann"]).ends_with(0).stdout;
    assert!(paused.contains("by ann: a holiday"), "{paused}");
    let ran = at(&url, &["schedules", "trigger", "nightly", "--output", "json"]).ends_with(0).json()[0].take();
    assert_eq!(ran["started"], true, "{ran}");
    let execution = ran["execution"].as_str().expect("an id").to_owned();
    eventually("it runs to its end", SOON, || at(&url, &["get", &execution]).stdout.contains("status: completed"));
    // Its end is heard: nothing is in the way of the next.
    let view = || at(&url, &["schedules", "get", "nightly", "--output", "json"]).ends_with(0).json()[0].take();
    eventually("its end is heard", SOON, || view()["running"].is_null());
    let filled = ["schedules", "backfill", "nightly", "--from", "48h", "--to", "0s", "--overlap", "allow"];
    let told = at(&url, &filled).ends_with(0).stderr;
    assert!(told.contains("of 2 that had not fired, 2 started, 0 left out"), "{told}");
    let early = at(&url, &["schedules", "backfill", "nightly", "--from", "9000h", "--to", "8999h"]).ends_with(1).stderr;
    assert!(early.contains("nothing was filled: `nightly` can be filled from"), "{early}");
    assert_eq!(view()["fired"], 3, "two days, and what was triggered");
    at(&url, &["schedules", "resume", "nightly"]).ends_with(0);
    // Another time takes the place of all that was said about time.
    let updated = at(&url, &["schedules", "update", "nightly", "--every", "1h"]).ends_with(0).stdout;
    assert!(updated.contains("every 1h") && !updated.contains("Europe/Berlin"), "{updated}");
    let listed = at(&url, &["schedules", "list", "--workflow", "report"]).ends_with(0).stdout;
    assert!(listed.contains("nightly") && listed.contains("report"), "{listed}");
    let nothing = ["schedules", "create", "ahead", "--workflow", "unwritten", "--at", "2099-01-01T00:00:00Z"];
    let told = at(&url, &nothing).ends_with(0).stderr;
    assert!(told.contains("no workflow `unwritten` is applied yet"), "{told}");
    at(&url, &["schedules", "delete", "nightly"]).ends_with(0);
    let gone = at(&url, &["schedules", "get", "nightly"]).ends_with(1).stderr;
    assert!(gone.contains("there is no schedule `nightly`"), "{gone}");
    ends(dev);
}

#[test]
fn a_definition_brings_its_schedules_and_a_pause_outlives_its_next_version() {
    let (dev, folder) = (Dev::start(&["--output", "json"]), Folder::new());
    let url = dev.ready()["nats_url"].take();
    let version = |on: &str| format!("workflow: tidy\non: {on}\nsteps: {{ a: {{ activity: noop }} }}\n");
    let apply = |on: &str| at(&url, &["apply", &folder.file("tidy.yaml", &version(on))]).ends_with(0);
    let view = |name: &str| at(&url, &["schedules", "get", name, "--output", "json"]).json();
    apply("[{ cron: \"0 3 * * *\" }, { every: 1s, limit: 2, input: { deep: true } }]");
    eventually("both are known", SOON, || !view("tidy").is_empty() && !view("tidy-2").is_empty());
    assert_eq!(view("tidy")[0]["definition"], 1);
    eventually("it has fired twice, and is over", SOON, || view("tidy-2")[0]["finished"] == true);
    assert_eq!(view("tidy-2")[0]["fired"], 2);
    at(&url, &["schedules", "pause", "tidy"]).ends_with(0);
    apply("{ cron: \"0 4 * * *\" }");
    eventually("the newest version counts", SOON, || view("tidy")[0]["definition"] == 2);
    assert_eq!(view("tidy")[0]["spec"]["when"]["cron"][0], "0 4 * * *");
    assert!(view("tidy")[0]["paused"].is_object(), "it stays paused");
    eventually("what it has no more is gone", SOON, || view("tidy-2").is_empty());
    ends(dev);
}

/// What is said of each in a table: how it is called, when, in which queue.
const TABLE: [(&str, &str, &str); 7] = [
    ("cleanup_sessions", "@hourly", "low_priority"),
    ("weekly_backup", "0 2 * * 0", "critical"),
    ("sync_inventory", "*/30 * * * *", "default"),
    ("send_reminders", "0 9 * * *", "default"),
    ("archive_logs", "0 0 1 * *", "low_priority"),
    ("generate_analytics", "15 * * * *", "default"),
    ("health_check_services", "*/5 * * * *", "critical"),
];

#[test]
fn a_job_that_is_submitted_with_an_expression_recurs() {
    let dev = Dev::start(&["--output", "json"]);
    let url = dev.ready()["nats_url"].take();
    for (activity, cron, queue) in TABLE {
        at(&url, &["jobs", "submit", activity, "--cron", cron, "--queue", queue]).ends_with(0);
    }
    let listed = at(&url, &["schedules", "list", "--output", "json"]).ends_with(0).json();
    assert_eq!(listed.len(), TABLE.len());
    let low = listed.iter().filter(|view| view["spec"]["job"]["queue"] == "low").count();
    assert_eq!(low, 2, "`low_priority` is `low`: {listed:?}");

    let each =
        ["jobs", "submit", "echo", "--payload", "{\"n\":1}", "--every", "1s", "--name", "tick", "--tag", "of=tick"];
    at(&url, &each).ends_with(0);
    let done = || at(&url, &["jobs", "list", "--tag", "of=tick", "--status", "completed", "--output", "json"]).json();
    eventually("it is done again and again", SOON, || done().len() >= 2);
    at(&url, &["schedules", "delete", "tick"]).ends_with(0);
    let again = at(&url, &["jobs", "submit", "weekly_backup", "--every", "1h"]).ends_with(1).stderr;
    assert!(again.contains("there is a schedule `weekly_backup` already"), "{again}");
    at(&url, &["jobs", "submit", "echo", "--every", "1h", "--in", "5m"]).ends_with(64);
    ends(dev);
}
