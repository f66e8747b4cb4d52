//! What is too large for a message, and what is too large for anything.

use std::fs::File;

use sagaline_broker::{
    nats::PAYLOAD_BYTES_MAX,
    ports::{Message, Outcome},
};
use serde_json::{Value, json};

use crate::{
    program::Folder,
    raw::Wire,
    site::{Site, id_on},
};

/// Twice what a message may carry.
const TWO_MB: usize = 2 * 1024 * 1024;

/// It is offloaded on its way in, loaded for the activity, offloaded again as the step's output, and loaded for whoever reads it.
#[test]
fn two_megabytes_go_in_and_come_out_whole() {
    let (site, folder) = (Site::shared(), Folder::new());
    let input = json!({ "blob": "x".repeat(TWO_MB), "end": true });
    let file = format!("@{}", folder.file("input.json", &input.to_string()));
    let started = ["start", "echo", "--input", &file, "--wait", "--output", "json"];
    let ended = site.sagaline(&started).ends_with(0).json();
    assert_eq!(ended[0]["status"], "completed");
    assert!(ended[0]["output"] == input, "the output of the execution is not its input");
    let id = ended[0]["execution"].as_str().expect("an id");
    let shown = site.sagaline(&["get", id, "--output", "json"]).ends_with(0).json();
    assert!(shown[0]["output"] == input, "`get` shows something else");
    let history = site.sagaline(&["history", id, "--output", "json"]).ends_with(0);
    assert!(history.stdout.len() < TWO_MB / 10, "the log itself holds {} bytes", history.stdout.len());
    let of_step: Vec<Value> = history.json();
    let output = of_step.iter().find_map(|entry| entry["data"].get("output")).expect("the step's output");
    let output = site.run(site.client.resolve(output.clone())).expect("it can be read");
    assert!(output == input, "the step's output is not its input");
    site.goes_on();
}

#[test]
fn a_message_over_the_servers_limit_is_refused_by_the_server() {
    let site = Site::shared();
    let mut wire = Wire::connect(site.url());
    // The server goes by the length that is announced, and closes.
    wire.write(&format!("PUB sagaline.run.0.a.in {TWO_MB}\r\n"));
    assert_eq!(wire.until("-ERR"), "-ERR 'Maximum Payload Violation'");
    site.goes_on();
}

#[test]
fn a_message_over_the_servers_limit_is_refused_by_our_client_with_a_hint() {
    let (site, folder) = (Site::shared(), Folder::new());
    let message = Message {
        subject: site.names().input(id_on(0, site.client.partitions()).as_str(), site.client.partitions()),
        expected: None,
        msg_id: None,
        ttl: None,
        headers: vec![],
        payload: vec![b'x'; TWO_MB].into(),
    };
    let outcome = site.run(site.client.connection().publish(&message));
    assert!(matches!(&outcome, Outcome::Refused(why) if why.contains("1048576")), "{outcome:?}");

    let file = format!("@{}", folder.file("event.json", &json!("x".repeat(TWO_MB)).to_string()));
    site.sagaline(&["events", "publish", "faults.echo", "--id", "large", "--data", &file]).ends_with(65).says(&[
        "error: cannot publish the event `large`: the message has 2",
        "and NATS takes at most 1048576\n",
        "hint: store what is large elsewhere and send a reference to it",
    ]);
    site.goes_on();
}

#[test]
fn an_input_over_64_mib_is_refused_and_says_what_to_do() {
    let (site, folder) = (Site::shared(), Folder::new());
    let path = folder.0.join("huge.json");
    let bytes = PAYLOAD_BYTES_MAX as u64 + 1;
    File::create(&path).and_then(|file| file.set_len(bytes)).expect("a file of nothing");
    let input = format!("@{}", path.display());
    let id = id_on(0, site.client.partitions());
    site.sagaline(&["start", "echo", "--id", id.as_str(), "--input", &input]).ends_with(65).says(&[
        &bytes.to_string(),
        &PAYLOAD_BYTES_MAX.to_string(),
        "hint: store it elsewhere and pass a reference to it",
    ]);
    site.sagaline(&["get", id.as_str()]).ends_with(1);
    site.goes_on();
}
