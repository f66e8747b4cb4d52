//! Questions that are none.

use serde_json::Value;

use crate::site::Site;

#[test]
fn garbage_that_is_asked_is_answered_with_a_refusal() {
    let site = Site::shared();
    for partition in site.partitions() {
        for question in [
            "".as_bytes(),
            b"\0\xff garbage",
            b"{}",
            b"{\"nonsense\":{}}",
            b"{\"get\":{}}",
            b"{\"get\":{\"execution\":\"not an id\"}}",
            b"{\"wanted\":{\"execution\":\"a\",\"path\":\"a//b\",\"attempt\":1}}",
            b"{\"list\":{\"limit\":-1}}",
        ] {
            let nats = site.client.connection().client();
            let answer = site.run(nats.request(site.names().ask(partition), question.to_vec().into()));
            let answer: Value = serde_json::from_slice(&answer.expect("an answer").payload).expect("JSON");
            let shown = String::from_utf8_lossy(question);
            assert_eq!(answer["refused"]["type"], "BadQuestion", "`{shown}` is answered with {answer}");
            let message = answer["refused"]["message"].as_str().expect("a message");
            assert!(message.contains("docs/protocol.md"), "{message}");
        }
    }
    site.goes_on();
}
