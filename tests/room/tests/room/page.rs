//! The word on room as the page of the protocol shows it, for clients in other languages.

use sagaline_broker::room::Admission;
use serde_json::Value;

#[test]
fn the_word_is_as_the_page_shows_it() {
    let page = include_str!("../../../../docs/protocol.md");
    let (_, rest) = page.split_once("\n```json admission\n").expect("the example");
    let example = rest.split("\n```").next().expect("its text");
    let word: Admission = serde_json::from_str(example).expect("a word");
    let mut shown: Value = serde_json::from_str(example).expect("JSON");
    // However many digits the time is written with.
    shown["at"] = serde_json::to_value(word.at).expect("JSON");
    assert_eq!(serde_json::to_value(&word).expect("JSON"), shown, "there is no field more and none less");
    assert!(!word.is_open());
}
